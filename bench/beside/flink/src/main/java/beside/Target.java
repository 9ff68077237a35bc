package beside;

import java.io.IOException;
import java.io.Serializable;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;

/** Where rows go: a database of ClickHouse, over HTTP. */
public record Target(String url, String user, String password, String database, String project)
    implements Serializable {
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  /** @param rows tab-separated, as many as there are; inserted as one block where that is not too large */
  public void insert(String table, String columns, CharSequence rows) throws IOException {
    String query =
        "INSERT INTO %s.%s (%s) FORMAT TabSeparated".formatted(database, table, columns);
    String address = url + "/?query=" + URLEncoder.encode(query, StandardCharsets.UTF_8);
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(address))
            .header("X-ClickHouse-User", user)
            .header("X-ClickHouse-Key", password)
            .POST(HttpRequest.BodyPublishers.ofByteArray(rows.toString().getBytes(StandardCharsets.UTF_8)))
            .build();
    try {
      HttpResponse<String> response = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() != 200) throw new IOException(response.body());
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
      throw new IOException(interruption);
    }
  }

  /** A text as a field of a tab-separated row. */
  public static String field(String text) {
    boolean isPlain = true;
    for (int n = 0; n < text.length() && isPlain; n += 1) {
      char sign = text.charAt(n);
      isPlain = sign != '\\' && sign != '\t' && sign != '\n';
    }
    if (isPlain) return text;
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n");
  }

  /** Units of 10^-9 as a decimal text. */
  public static void units(StringBuilder out, long units) {
    out.append(java.math.BigDecimal.valueOf(units, 9).toPlainString());
  }
}
