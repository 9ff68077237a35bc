package beside;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.functions.AggregateFunction;

/** The events of a session window, each once. */
public class Visit {
  public Map<String, Event> events = new HashMap<>();

  private transient Session session;

  /** What they make; worked out once, when the window is over. */
  public Session session() {
    if (session == null) session = Session.of(this);
    return session;
  }

  /** Gathers them: the same id again is the same event. */
  public static final class Gather implements AggregateFunction<Event, Visit, Visit> {
    private static final long serialVersionUID = 1;

    @Override
    public Visit createAccumulator() {
      return new Visit();
    }

    @Override
    public Visit add(Event event, Visit visit) {
      visit.events.putIfAbsent(event.eventId, event);
      return visit;
    }

    @Override
    public Visit getResult(Visit visit) {
      return visit;
    }

    @Override
    public Visit merge(Visit into, Visit other) {
      other.events.forEach(into.events::putIfAbsent);
      return into;
    }
  }
}
