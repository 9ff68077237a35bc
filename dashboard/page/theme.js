// @ts-check
// Before the first paint, so that nothing flashes: which theme was chosen here, and what the login has to say.
(() => {
  try {
    const theme = localStorage.getItem('theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset['theme'] = theme;
  } catch {
    // No storage is allowed here: the system's theme, then.
  }
  document.addEventListener('DOMContentLoaded', () => {
    const parameters = new URLSearchParams(location.search);
    const wrong = document.getElementById('wrong');
    if (wrong !== null && parameters.has('wrong')) wrong.hidden = false;
    const next = document.querySelector('input[name="next"]');
    if (next instanceof HTMLInputElement) next.value = parameters.get('next') ?? '/';
  });
})();
