// @ts-check
// Before the first paint, so that nothing flashes: which theme is shown, and what the login has to say. `data-chosen` is what
// was chosen here, `data-theme` what is shown: that, or the system's.
(() => {
  const { dataset } = document.documentElement;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const show = () => {
    dataset['theme'] = dataset['chosen'] ?? (dark.matches ? 'dark' : 'light');
  };
  try {
    const theme = localStorage.getItem('theme');
    if (theme === 'light' || theme === 'dark') dataset['chosen'] = theme;
  } catch {
    // No storage is allowed here: the system's theme, then.
  }
  show();
  dark.addEventListener('change', show);
  new MutationObserver(show).observe(document.documentElement, {
    attributeFilter: ['data-chosen'],
  });
  document.addEventListener('DOMContentLoaded', () => {
    const parameters = new URLSearchParams(location.search);
    const wrong = document.getElementById('wrong');
    if (wrong !== null && parameters.has('wrong')) wrong.hidden = false;
    const next = document.querySelector('input[name="next"]');
    if (next instanceof HTMLInputElement) next.value = parameters.get('next') ?? '/';
  });
})();
