package peer;

import java.time.Duration;
import java.util.Locale;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.WindowedSerdes;
import org.apache.kafka.streams.state.WindowStore;

/** The applications of {@code examples/src/application.rs}, operator by operator and name by name. */
final class Applications {
    private static final Duration WINDOW = Duration.ofHours(1);
    private static final Duration GRACE = Duration.ofMinutes(5);
    private static final String EVENTS_TOPIC = "user-events";
    private static final String COUNTS = "events-per-hour";
    private static final String ACTIONS_TOPIC = "user-actions";

    private Applications() {}

    static Topology topology(Options options) {
        String input = options.get("input", EVENTS_TOPIC);
        String workload = options.required("workload");
        return switch (workload) {
            case "count" -> count(input, options.get("output", COUNTS));
            case "stateless" -> stateless(input, options.get("output", ACTIONS_TOPIC));
            default -> throw new IllegalArgumentException("--workload is count or stateless, not " + workload);
        };
    }

    private static Topology count(String input, String output) {
        StreamsBuilder builder = new StreamsBuilder();
        events(builder, input)
            .groupByKey(Grouped.with(Serdes.String(), Serdes.String()))
            .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW, GRACE))
            .count(Materialized.<String, Long, WindowStore<Bytes, byte[]>>as(COUNTS)
                .withKeySerde(Serdes.String())
                .withValueSerde(Serdes.Long()))
            .toStream()
            .to(output, Produced.with(
                WindowedSerdes.timeWindowedSerdeFrom(String.class, WINDOW.toMillis()), Serdes.Long()));
        return builder.build();
    }

    private static Topology stateless(String input, String output) {
        StreamsBuilder builder = new StreamsBuilder();
        events(builder, input)
            .mapValues(event -> event.toUpperCase(Locale.ROOT))
            .to(output, Produced.with(Serdes.String(), Serdes.String()));
        return builder.build();
    }

    private static KStream<String, String> events(StreamsBuilder builder, String input) {
        return builder
            .stream(input, Consumed.with(Serdes.String(), Serdes.String()))
            .filter((user, event) -> !event.contains("heartbeat"));
    }
}
