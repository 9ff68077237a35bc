package beside;

import java.io.IOException;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;

/** Adds up what sessions and their events count, and inserts it at each checkpoint: at least once. */
public final class VisitSink implements Sink<Visit> {
  private static final long serialVersionUID = 1;
  private final Target target;

  VisitSink(Target target) {
    this.target = target;
  }

  @Override
  public SinkWriter<Visit> createWriter(WriterInitContext context) {
    return new Writer(target);
  }

  private static final class Writer implements SinkWriter<Visit> {
    private final Target target;
    private final Sums sums = new Sums();

    private Writer(Target target) {
      this.target = target;
    }

    @Override
    public void write(Visit visit, Context context) {
      Session session = visit.session();
      for (Event event : visit.events.values()) addEvent(event, session);
      addSession(session);
    }

    private void addEvent(Event event, Session session) {
      long at = event.at;
      if (event.isPageView()) {
        sums.hour("page_views", at, "", "", Sums.ONE);
        sums.hour("page_views", at, "path", event.path, Sums.ONE);
        sums.quarter("page_views_by_quarter", at, "", "", Sums.ONE);
        sums.day("page_views", at, "device_type", session.device, Sums.ONE);
        sums.day("page_views", at, "traffic_source", session.source, Sums.ONE);
        sums.day("page_views", at, "browser", session.browser, Sums.ONE);
        sums.day("page_views", at, "os", session.os, Sums.ONE);
        sums.day("page_views", at, "country", session.country, Sums.ONE);
      }
      if (event.isNotable()) {
        sums.hour("event_count", at, "event_type", event.type, Sums.ONE);
        sums.quarter("event_count_by_quarter", at, "event_type", event.type, Sums.ONE);
      }
      if (!event.isConversion() || event.revenue == 0) return;
      sums.hour("revenue", at, "", "", event.revenue);
      sums.hour("revenue", at, "currency", event.currency, event.revenue);
      sums.quarter("revenue_by_quarter", at, "", "", event.revenue);
      sums.quarter("revenue_by_quarter", at, "currency", event.currency, event.revenue);
      split("revenue", at, session, event.revenue);
    }

    private void addSession(Session session) {
      long first = session.firstAt;
      long last = session.lastAt;
      sums.hour("sessions", first, "", "", Sums.ONE);
      sums.day("sessions", first, "traffic_source", session.source, Sums.ONE);
      sums.day("sessions", first, "device_type", session.device, Sums.ONE);
      sums.day("sessions", first, "country", session.country, Sums.ONE);
      split("sessions", first, session, Sums.ONE);
      if (session.isEngaged()) {
        sums.hour("engaged_sessions", last, "", "", Sums.ONE);
        sums.day("engaged_sessions", last, "traffic_source", session.source, Sums.ONE);
        split("engaged_sessions", last, session, Sums.ONE);
      }
      long bounced = session.isBounced() ? Sums.ONE : 0;
      sums.hour("bounce_rate", last, "", "", bounced);
      split("bounce_rate", last, session, bounced);
      sums.hour("avg_session_duration", last, "", "", session.durationMs() * (Sums.ONE / 1_000));
      sums.hour("pages_per_session", last, "", "", session.pageViews * Sums.ONE);
    }

    private void split(String metric, long at, Session session, long units) {
      sums.day(metric, at, "channel", session.channel, units);
      sums.day(metric, at, "entry_path", session.entryPath, units);
      sums.day(metric, at, "browser", session.browser, units);
      sums.day(metric, at, "os", session.os, units);
    }

    @Override
    public void flush(boolean isEnd) throws IOException {
      sums.insert(target);
    }

    @Override
    public void close() {}
  }
}
