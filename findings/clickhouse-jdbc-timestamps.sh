#!/usr/bin/env bash
# clickhouse-jdbc: one moment is two, by the getter and by the setter, and what is read does not find its row.
#
# Versions: Maven com.clickhouse:clickhouse-jdbc 0.10.0, Java 17, against npm chdb 3.4.0 (which is
#   ClickHouse 26.7.2.1) that listens on loopback. The JVM's zone is America/New_York.
# Expected: getTimestamp(n) is the moment of the value: the column has a zone, and a Timestamp is a
#   moment. setObject(n, timestamp) is setTimestamp(n, timestamp). What was read by a getter finds
#   its row when it is bound by the setter of the same type.
# Behaviour: getTimestamp and getObject take the clock of the column's zone for one of the JVM's: a
#   moment of 17:47 UTC comes as 22:47 UTC. getObject(n, Instant.class) and getTimestamp with a
#   calendar of UTC are right. Bound by setTimestamp the right Timestamp finds the row, by setObject
#   it does not; and neither does the one that getTimestamp has read, by setTimestamp. A
#   LocalDateTime is read on the clock of the column and bound on that of the JVM, so it does not
#   find its row either. With the JVM at UTC none of it shows.
# Source: tried.
# Output seen:
#   getTimestamp: 2026-03-03T22:47:18Z
#   getObject: 2026-03-03T22:47:18Z
#   getTimestamp, calendar of UTC: 2026-03-03T17:47:18Z
#   getObject, Instant: 2026-03-03T17:47:18Z
#   getObject, LocalDateTime: 2026-03-03T17:47:18
#   rows by setTimestamp, right moment: 1
#   rows by setObject of that Timestamp: 0
#   rows by setObject of that Instant: 1
#   rows by setTimestamp of what getTimestamp read: 0
#   rows by setObject of what getTimestamp read: 1
#   rows by setObject of what getObject read as LocalDateTime: 0
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$tmp"' EXIT
cd "$tmp"
echo '{"private": true}' >package.json
nice -n 10 npm install --silent --no-audit --no-fund chdb@3.4.0 >/dev/null
cat >pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>finding</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>com.clickhouse</groupId>
      <artifactId>clickhouse-jdbc</artifactId>
      <version>0.10.0</version>
    </dependency>
  </dependencies>
</project>
XML
nice -n 10 mvn -q -B -Dstyle.color=never dependency:copy-dependencies -DoutputDirectory=lib >/dev/null

# The engine's own HTTP handler, on a free port of loopback.
cat >serve.py <<'PY'
import ctypes, glob, socket

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
with open("config.xml", "w") as file:
    file.write(
        f"<clickhouse><listen_host>127.0.0.1</listen_host><http_port>{port}</http_port><timezone>UTC</timezone>"
        "<users_config>users.xml</users_config></clickhouse>"
    )
with open("users.xml", "w") as file:
    file.write(
        "<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users><default><no_password/>"
        "<networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users></clickhouse>"
    )
with open("start.sql", "w") as file:
    file.write("SYSTEM START LISTEN QUERIES ALL; SELECT sleepEachRow(1) FROM numbers(600) SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0 FORMAT Null;\n")
with open("port", "w") as file:
    file.write(str(port))
(library,) = glob.glob("node_modules/@chdb/lib-*/libchdb.so")
words = [b"clickhouse", b"--config-file=config.xml", b"--path=data", b"--queries-file=start.sql"]
arguments = (ctypes.c_char_p * len(words))(*words)
ctypes.CDLL(library).chdb_query_cmdline(len(words), arguments)
PY
python3 serve.py >serve.log 2>&1 &
server=$!
for _ in $(seq 100); do
  [ -s port ] && curl -sf "http://127.0.0.1:$(cat port)/ping" >/dev/null && break
  sleep 0.2
done

cat >Look.java <<'JAVA'
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.LocalDateTime;
import java.util.Calendar;
import java.util.TimeZone;

public class Look {
  static int status = 0;

  static void look(String what, Object seen, String described) {
    System.out.println(what + ": " + seen);
    if (!String.valueOf(seen).equals(described)) {
      System.out.println("CHANGED: it used to be " + described);
      status = 1;
    }
  }

  interface Bind {
    void to(PreparedStatement statement) throws Exception;
  }

  static long rows(Connection connection, Bind bind) throws Exception {
    String sql = "SELECT count() FROM (SELECT toDateTime64('2026-03-03 17:47:18', 3, 'UTC') AS at) WHERE at = ?";
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      bind.to(statement);
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return row.getLong(1);
      }
    }
  }

  public static void main(String[] args) throws Exception {
    Calendar utc = Calendar.getInstance(TimeZone.getTimeZone("UTC"));
    try (Connection connection = DriverManager.getConnection(args[0], "default", "")) {
      String sql = "SELECT toDateTime64('2026-03-03 17:47:18', 3, 'UTC') AS at";
      Timestamp read;
      LocalDateTime local;
      try (ResultSet row = connection.createStatement().executeQuery(sql)) {
        row.next();
        read = row.getTimestamp(1);
        local = row.getObject(1, LocalDateTime.class);
        look("getTimestamp", read.toInstant(), "2026-03-03T22:47:18Z");
        look("getObject", ((Timestamp) row.getObject(1)).toInstant(), "2026-03-03T22:47:18Z");
        look("getTimestamp, calendar of UTC", row.getTimestamp(1, utc).toInstant(), "2026-03-03T17:47:18Z");
        look("getObject, Instant", row.getObject(1, Instant.class), "2026-03-03T17:47:18Z");
        look("getObject, LocalDateTime", local, "2026-03-03T17:47:18");
      }
      Instant moment = Instant.parse("2026-03-03T17:47:18Z");
      Timestamp right = Timestamp.from(moment);
      look("rows by setTimestamp, right moment", rows(connection, s -> s.setTimestamp(1, right)), "1");
      look("rows by setObject of that Timestamp", rows(connection, s -> s.setObject(1, right)), "0");
      look("rows by setObject of that Instant", rows(connection, s -> s.setObject(1, moment)), "1");
      look("rows by setTimestamp of what getTimestamp read", rows(connection, s -> s.setTimestamp(1, read)), "0");
      look("rows by setObject of what getTimestamp read", rows(connection, s -> s.setObject(1, read)), "1");
      look("rows by setObject of what getObject read as LocalDateTime", rows(connection, s -> s.setObject(1, local)), "0");
    }
    System.exit(status);
  }
}
JAVA
java -Duser.timezone=America/New_York -cp 'lib/*' Look.java "jdbc:clickhouse:http://127.0.0.1:$(cat port)/default" 2> >(grep -v SLF4J >&2)
