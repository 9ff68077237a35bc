package beside;

import java.io.IOException;
import java.util.HexFormat;
import java.util.Map;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;

/** Rows of the table `sessions`, so many at a time and at each checkpoint, and the users that are new. */
public final class SessionSink implements Sink<Session> {
  private static final long serialVersionUID = 1;
  private static final int ROWS = 20_000;
  private static final long IDLE_MS = 1_800_000;
  private static final String COLUMNS =
      "project, session_id, first_run_id, started_at, last_event_at, duration_seconds, page_views, events,"
          + " conversions, engaged, bounced, converted, revenue, entry_path, exit_path, user_id, new_user,"
          + " traffic_source, device_type, country, browser, os, channel, revenue_by_currency, state,"
          + " end_reason, catalogue, updated_at, version";
  private final Target target;

  SessionSink(Target target) {
    this.target = target;
  }

  @Override
  public SinkWriter<Session> createWriter(WriterInitContext context) {
    return new Writer(target);
  }

  private static final class Writer implements SinkWriter<Session> {
    private final Target target;
    private final Sums sums = new Sums();
    private final StringBuilder text = new StringBuilder();
    private int rows;

    private Writer(Target target) {
      this.target = target;
    }

    @Override
    public void write(Session session, Context context) throws IOException {
      addRow(session);
      if (!session.userId.isEmpty()) {
        String metric = session.newUser ? "new_users" : "returning_users";
        sums.day(metric, session.firstAt, "", "", Sums.ONE);
      }
      rows += 1;
      if (rows >= ROWS) insert();
    }

    private void addRow(Session session) {
      long ends = session.endSeen ? session.lastAt : session.lastAt + IDLE_MS;
      String id = Target.field(session.sessionId);
      text(Target.field(target.project())).text(id);
      // In the order of time, as the table wants it; Sojourn's are the same at each repetition, too.
      text(identity(session));
      time(session.firstAt).time(session.lastAt);
      units(session.durationMs() * 1_000_000);
      number(session.pageViews).number(session.events).number(session.conversions);
      flag(session.isEngaged()).flag(session.isBounced()).flag(session.conversions > 0);
      units(session.revenue);
      text(Target.field(session.entryPath)).text(Target.field(session.exitPath));
      text(Target.field(session.userId));
      text(session.userId.isEmpty() ? "\\N" : session.newUser ? "1" : "0");
      text(Target.field(session.source)).text(Target.field(session.device));
      text(Target.field(session.country)).text(Target.field(session.browser));
      text(Target.field(session.os)).text(Target.field(session.channel));
      purse(session.purse);
      text("ended").text(session.endSeen ? "session_end" : "idle").number(3);
      time(ends);
      text.append(1).append('\n');
    }

    private static String identity(Session session) {
      return HexFormat.of().toHexDigits(session.firstAt, 12) + '-' + Target.field(session.sessionId);
    }

    private Writer text(String value) {
      text.append(value).append('\t');
      return this;
    }

    private Writer number(long value) {
      text.append(value).append('\t');
      return this;
    }

    private Writer flag(boolean value) {
      return number(value ? 1 : 0);
    }

    private void units(long value) {
      Target.units(text, value);
      text.append('\t');
    }

    private void purse(Map<String, Long> purse) {
      text.append('{');
      String between = "";
      for (Map.Entry<String, Long> money : purse.entrySet()) {
        text.append(between).append('\'').append(Target.field(money.getKey())).append("':");
        Target.units(text, money.getValue());
        between = ",";
      }
      text.append("}\t");
    }

    /** Seconds with three digits after the point, which DateTime64(3) reads exactly. */
    private Writer time(long at) {
      text.append(at / 1_000).append('.');
      long millis = at % 1_000;
      if (millis < 100) text.append('0');
      if (millis < 10) text.append('0');
      return number(millis);
    }

    private void insert() throws IOException {
      if (rows == 0) return;
      target.insert("sessions", COLUMNS, text);
      text.setLength(0);
      rows = 0;
    }

    @Override
    public void flush(boolean isEnd) throws IOException {
      insert();
      sums.insert(target);
    }

    @Override
    public void close() {}
  }
}
