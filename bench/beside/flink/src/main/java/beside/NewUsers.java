package beside;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Whether a session is its user's first: they wait until no session that ended sooner can come any more. Of sessions that
 * overlap, the one that ends first is taken for the first.
 */
public final class NewUsers extends KeyedProcessFunction<String, Session, Session> {
  private static final long serialVersionUID = 1;
  private transient ValueState<Boolean> known;
  private transient ListState<Session> waiting;

  @Override
  public void open(OpenContext context) {
    known = getRuntimeContext().getState(new ValueStateDescriptor<>("known", Boolean.class));
    waiting = getRuntimeContext().getListState(new ListStateDescriptor<>("waiting", Session.class));
  }

  @Override
  public void processElement(Session session, Context context, Collector<Session> out)
      throws Exception {
    waiting.add(session);
    context.timerService().registerEventTimeTimer(session.lastAt);
  }

  @Override
  public void onTimer(long at, OnTimerContext context, Collector<Session> out) throws Exception {
    List<Session> due = new ArrayList<>();
    List<Session> later = new ArrayList<>();
    for (Session session : waiting.get()) (session.lastAt <= at ? due : later).add(session);
    waiting.update(later);
    due.sort(Comparator.comparingLong((Session session) -> session.firstAt));
    for (Session session : due) {
      session.newUser = known.value() == null;
      known.update(true);
      out.collect(session);
    }
  }
}
