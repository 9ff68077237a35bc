package beside;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/** Metric rows added up in memory until they are inserted: few rows go out, whatever the number of sessions. */
final class Sums {
  private static final String COLUMNS =
      "project, metric_type, granularity, bucket, dimension, dimension_value, value, count";
  static final long ONE = 1_000_000_000;
  private static final long QUARTER_MS = 900_000;
  private static final long HOUR_MS = 3_600_000;
  private static final long DAY_MS = 86_400_000;

  private record Key(String metric, String granularity, long bucket, String dimension, String value) {}

  private final Map<Key, long[]> rows = new HashMap<>();

  void quarter(String metric, long at, String dimension, String value, long units) {
    add(new Key(metric, "quarter_hour", at - at % QUARTER_MS, dimension, value), units);
  }

  void hour(String metric, long at, String dimension, String value, long units) {
    add(new Key(metric, "hour", at - at % HOUR_MS, dimension, value), units);
  }

  void day(String metric, long at, String dimension, String value, long units) {
    add(new Key(metric, "day", at - at % DAY_MS, dimension, value), units);
  }

  private void add(Key key, long units) {
    if (key.value.isEmpty() && !key.dimension.isEmpty()) return;
    long[] sum = rows.computeIfAbsent(key, unused -> new long[2]);
    sum[0] = Math.addExact(sum[0], units);
    sum[1] += 1;
  }

  /** Inserts what was added, and begins anew. */
  void insert(Target target) throws IOException {
    if (rows.isEmpty()) return;
    StringBuilder text = new StringBuilder(rows.size() * 80);
    String project = Target.field(target.project());
    for (Map.Entry<Key, long[]> row : rows.entrySet()) {
      Key key = row.getKey();
      text.append(project).append('\t').append(key.metric).append('\t').append(key.granularity);
      text.append('\t').append(key.bucket / 1_000).append('\t').append(key.dimension).append('\t');
      text.append(Target.field(key.value)).append('\t');
      Target.units(text, row.getValue()[0]);
      text.append('\t').append(row.getValue()[1]).append('\n');
    }
    target.insert("metrics", COLUMNS, text);
    rows.clear();
  }
}
