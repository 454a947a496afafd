package peer;

import java.util.List;
import java.util.Map;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.streams.KafkaStreams;

/** How many records the threads have processed, read from Kafka Streams' own counters. */
final class Processed {
    private final KafkaStreams streams;
    private final int threads;
    /** Looked up once: to go through all metrics costs more than to process many records. */
    private List<Metric> counters = List.of();

    Processed(KafkaStreams streams, int threads) {
        this.streams = streams;
        this.threads = threads;
    }

    long total() {
        if (counters.size() < threads) {
            counters = streams.metrics().entrySet().stream()
                .filter(entry -> isProcessTotal(entry.getKey()))
                .<Metric>map(Map.Entry::getValue)
                .toList();
        }
        return counters.stream().mapToLong(counter -> ((Number) counter.metricValue()).longValue()).sum();
    }

    private static boolean isProcessTotal(MetricName name) {
        return name.group().equals("stream-thread-metrics") && name.name().equals("process-total");
    }
}
