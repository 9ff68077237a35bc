package beside;

/** An event as the job needs it. Public fields, so that Flink's own serializer takes it. */
public class Event {
  public String sessionId;
  public String eventId;
  public String type;
  /** Epoch milliseconds. */
  public long at;

  public String userId = "";
  public String path = "";
  public String source = "";
  public String device = "";
  public String country = "";
  public String browser = "";
  public String os = "";
  public String currency = "";
  /** Units of 10^-9. */
  public long revenue;

  public boolean isPageView() {
    return "pageview".equals(type);
  }

  public boolean isConversion() {
    return "purchase".equals(type) || "conversion".equals(type);
  }

  /** Counted by its type: neither a page view nor the frame of a session. */
  public boolean isNotable() {
    return !isPageView() && !"session_start".equals(type) && !"session_end".equals(type);
  }

  /** By time, then by id, so that any order of arrival agrees. */
  public boolean isEarlier(Event other) {
    return at < other.at || (at == other.at && eventId.compareTo(other.eventId) < 0);
  }
}
