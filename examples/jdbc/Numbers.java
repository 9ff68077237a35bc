import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.DayOfWeek;
import java.time.LocalDate;
import java.time.temporal.TemporalAdjusters;
import java.util.Properties;

/** A day and its weeks by JDBC: java -cp 'lib/*' Numbers.java PROJECT DAY */
public class Numbers {
  public static void main(String[] args) throws SQLException {
    LocalDate day = LocalDate.parse(args[1]);
    LocalDate monday = day.with(TemporalAdjusters.previousOrSame(DayOfWeek.MONDAY));
    LocalDate sunday = day.with(TemporalAdjusters.previousOrSame(DayOfWeek.SUNDAY));
    Properties login = new Properties();
    login.setProperty("user", System.getenv("CLICKHOUSE_BI_USER"));
    login.setProperty("password", System.getenv("CLICKHOUSE_BI_PASSWORD"));
    String url = "jdbc:clickhouse:" + System.getenv("CLICKHOUSE_URL") + "/sojourn";
    try (Connection connection = DriverManager.getConnection(url, login)) {
      print(connection, "day", "overview_daily", "day", args[0], day);
      print(connection, "week from monday", "overview_weekly_monday", "week", args[0], monday);
      print(connection, "week from sunday", "overview_weekly_sunday", "week", args[0], sunday);
    }
  }

  private static void print(
      Connection connection, String name, String view, String column, String project, LocalDate begin)
      throws SQLException {
    String sql =
        "SELECT " + column + ", sessions, page_views, visitors, revenue FROM " + view
            + " WHERE project = ? AND " + column + " = ?";
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setString(1, project);
      statement.setObject(2, begin);
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          // A date as LocalDate and money as BigDecimal: neither goes through a zone or a float.
          LocalDate found = row.getObject(1, LocalDate.class);
          BigDecimal revenue = row.getBigDecimal(5);
          System.out.printf(
              "%s %s: sessions %d, page views %d, visitors %d, revenue %s%n",
              name, found, row.getLong(2), row.getLong(3), row.getLong(4), revenue.toPlainString());
        }
      }
    }
  }
}
