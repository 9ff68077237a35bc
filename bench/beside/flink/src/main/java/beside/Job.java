package beside;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.reader.TextLineInputFormat;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.windowing.assigners.EventTimeSessionWindows;

/**
 * Events of a file into sessions by event time, and their rows into ClickHouse: on a cluster in this process, two tasks
 * wide, with checkpoints every ten seconds.
 */
public final class Job {
  private static final int WIDTH = 2;
  private static final Duration GAP = Duration.ofMinutes(30);
  private static final Duration CHECKPOINT_EVERY = Duration.ofSeconds(10);

  private Job() {}

  /** @param words the file, a folder for checkpoints, how far events may be out of order (milliseconds) */
  public static void main(String[] words) throws Exception {
    Map<String, String> given = System.getenv();
    Target target =
        new Target(
            given.get("CLICKHOUSE_URL"),
            given.get("CLICKHOUSE_USER"),
            given.get("CLICKHOUSE_PASSWORD"),
            given.get("CLICKHOUSE_DATABASE"),
            given.get("PROJECT"));
    Path checkpoints = Path.of(words[1]);
    Duration disorder = Duration.ofMillis(Long.parseLong(words[2]));

    Configuration settings = new Configuration();
    settings.set(StateBackendOptions.STATE_BACKEND, "hashmap");
    settings.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
    settings.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, checkpoints.toUri().toString());
    settings.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, CHECKPOINT_EVERY);
    StreamExecutionEnvironment flink =
        StreamExecutionEnvironment.createLocalEnvironment(WIDTH, settings);
    flink.getConfig().enableObjectReuse();

    FileSource<String> lines =
        FileSource.forRecordStreamFormat(
                new TextLineInputFormat(), new org.apache.flink.core.fs.Path(words[0]))
            .build();
    // One reader a file: the lines are handed round, so that both cores parse.
    DataStream<Event> events =
        flink
            .fromSource(lines, WatermarkStrategy.noWatermarks(), "lines")
            .setParallelism(1)
            .rebalance()
            .map(new ParseEvent())
            .assignTimestampsAndWatermarks(
                WatermarkStrategy.<Event>forBoundedOutOfOrderness(disorder)
                    .withTimestampAssigner((event, unused) -> event.at));
    DataStream<Visit> visits =
        events
            .keyBy(event -> event.sessionId)
            .window(EventTimeSessionWindows.withGap(GAP))
            .aggregate(new Visit.Gather());
    visits.sinkTo(new VisitSink(target)).name("metrics");
    DataStream<Session> sessions = visits.map(Visit::session);
    sessions
        .filter(session -> session.userId.isEmpty())
        .sinkTo(new SessionSink(target))
        .name("sessions without a user");
    sessions
        .filter(session -> !session.userId.isEmpty())
        .keyBy(session -> session.userId)
        .process(new NewUsers())
        .sinkTo(new SessionSink(target))
        .name("sessions of users");

    System.out.println("begins");
    flink.execute("sessions");
    System.out.println("done");
  }
}
