package beside;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.math.BigDecimal;
import org.apache.flink.api.common.functions.MapFunction;

/** A line as an event, by Jackson's streaming parser, which is its fastest. Nothing is checked beyond what is needed. */
public final class ParseEvent implements MapFunction<String, Event> {
  private static final long serialVersionUID = 1;
  private static final JsonFactory JSON = new JsonFactory();
  private static final int SCALE = 9;

  @Override
  public Event map(String line) throws IOException {
    Event event = new Event();
    try (JsonParser json = JSON.createParser(line)) {
      json.nextToken();
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String name = json.currentName();
        json.nextToken();
        switch (name) {
          case "sessionId" -> event.sessionId = json.getText();
          case "eventId" -> event.eventId = json.getText();
          case "eventType" -> event.type = json.getText();
          case "timestamp" -> event.at = json.getLongValue();
          case "userId" -> event.userId = json.getText();
          case "properties" -> readProperties(json, event);
          default -> json.skipChildren();
        }
      }
    }
    return event;
  }

  private static void readProperties(JsonParser json, Event event) throws IOException {
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String name = json.currentName();
      json.nextToken();
      switch (name) {
        case "path" -> event.path = json.getText();
        case "trafficSource" -> event.source = json.getText();
        case "country" -> event.country = json.getText();
        case "deviceType" -> event.device = json.getText();
        case "browser" -> event.browser = json.getText();
        case "os" -> event.os = json.getText();
        case "currency" -> event.currency = json.getText();
        case "revenue" ->
            event.revenue = new BigDecimal(json.getText()).movePointRight(SCALE).longValueExact();
        default -> json.skipChildren();
      }
    }
  }
}
