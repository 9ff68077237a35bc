package beside;

import java.util.Map;
import java.util.TreeMap;

/** A session in figures, as the table `sessions` shows it. */
public class Session {
  private static final long ENGAGED_MS = 10_000;
  private static final int ENGAGED_PAGE_VIEWS = 2;

  /** How a visitor came, by the sources that there are; the file says nothing more. */
  private static final Map<String, String> CHANNELS =
      Map.of("google", "Organic Search", "newsletter", "Email", "social", "Organic Social");

  public String sessionId = "";
  public long firstAt = Long.MAX_VALUE;
  public long lastAt = Long.MIN_VALUE;
  public int events;
  public int pageViews;
  public int conversions;
  public boolean endSeen;
  /** Units of 10^-9. */
  public long revenue;
  /** The same by currency. */
  public Map<String, Long> purse = new TreeMap<>();
  public String entryPath = "";
  public String exitPath = "";
  public String userId = "";
  public String source = "";
  public String device = "";
  public String country = "";
  public String browser = "";
  public String os = "";
  public String channel = "";
  /** Of a session with a user. */
  public boolean newUser;

  /** The session that its events make, in whatever order they are. */
  public static Session of(Visit visit) {
    Session session = new Session();
    Earliest user = new Earliest();
    Earliest source = new Earliest();
    Earliest device = new Earliest();
    Earliest country = new Earliest();
    Earliest browser = new Earliest();
    Earliest os = new Earliest();
    Earliest channel = new Earliest();
    Event entry = null;
    Event exit = null;
    for (Event event : visit.events.values()) {
      session.sessionId = event.sessionId;
      session.add(event);
      user.see(event, event.userId);
      source.see(event, event.source);
      device.see(event, event.device);
      country.see(event, event.country);
      browser.see(event, event.browser);
      os.see(event, event.os);
      channel.see(event, CHANNELS.getOrDefault(event.source, ""));
      if (!event.isPageView() || event.path.isEmpty()) continue;
      if (entry == null || event.isEarlier(entry)) entry = event;
      if (exit == null || exit.isEarlier(event)) exit = event;
    }
    session.userId = user.value;
    session.source = source.value;
    session.device = device.value;
    session.country = country.value;
    session.browser = browser.value;
    session.os = os.value;
    session.channel = channel.value;
    if (entry != null) session.entryPath = entry.path;
    if (exit != null) session.exitPath = exit.path;
    return session;
  }

  private void add(Event event) {
    events += 1;
    firstAt = Math.min(firstAt, event.at);
    lastAt = Math.max(lastAt, event.at);
    if (event.isPageView()) pageViews += 1;
    if ("session_end".equals(event.type)) endSeen = true;
    if (!event.isConversion()) return;
    conversions += 1;
    revenue = Math.addExact(revenue, event.revenue);
    if (event.revenue != 0) purse.merge(event.currency, event.revenue, Math::addExact);
  }

  public long durationMs() {
    return lastAt - firstAt;
  }

  public boolean isEngaged() {
    return durationMs() >= ENGAGED_MS || pageViews >= ENGAGED_PAGE_VIEWS || conversions > 0;
  }

  public boolean isBounced() {
    return pageViews == 1 && conversions == 0;
  }

  /** The value that is not empty and has the least time. */
  private static final class Earliest {
    private String value = "";
    private Event of;

    private void see(Event event, String given) {
      if (given.isEmpty() || (of != null && !event.isEarlier(of))) return;
      value = given;
      of = event;
    }
  }
}
