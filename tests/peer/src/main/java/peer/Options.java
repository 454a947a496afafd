package peer;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.streams.StreamsConfig;

/**
 * The command line: {@code --name value}.
 *
 * <p>{@code --workload} (count, stateless), {@code --bootstrap}, {@code --app-id}, {@code --state-dir}, {@code --threads},
 * {@code --input}, {@code --output}, {@code --idle-seconds}, and any setting of Kafka Streams as
 * {@code --set name=value}.
 */
final class Options {
    private static final String HUNDRED_YEARS_MS = Long.toString(Duration.ofDays(36_525).toMillis());

    private final Map<String, String> values = new HashMap<>();
    private final Properties settings = new Properties();

    Options(String[] args) {
        for (int i = 1; i < args.length; i += 2) {
            if (!args[i].startsWith("--") || i + 1 == args.length) {
                throw new IllegalArgumentException("expected --name value, found " + args[i]);
            }
            if (args[i].equals("--set")) {
                set(args[i + 1]);
            } else {
                values.put(args[i].substring(2), args[i + 1]);
            }
        }
    }

    private void set(String pair) {
        int equals = pair.indexOf('=');
        if (equals < 0) {
            throw new IllegalArgumentException("--set takes name=value, not " + pair);
        }
        settings.setProperty(pair.substring(0, equals), pair.substring(equals + 1));
    }

    String required(String name) {
        String value = values.get(name);
        if (value == null) {
            throw new IllegalArgumentException("--" + name + " is missing");
        }
        return value;
    }

    String get(String name, String otherwise) {
        return values.getOrDefault(name, otherwise);
    }

    /** Settings as our own side has them: the earliest offset, lz4, 100 ms linger, 10 MiB of cache. */
    Properties settings() {
        Properties all = new Properties();
        all.setProperty(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, required("bootstrap"));
        all.setProperty(StreamsConfig.APPLICATION_ID_CONFIG, required("app-id"));
        all.setProperty(StreamsConfig.STATE_DIR_CONFIG, required("state-dir"));
        all.setProperty(StreamsConfig.NUM_STREAM_THREADS_CONFIG, get("threads", "1"));
        all.setProperty(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, Integer.toString(10 * 1024 * 1024));
        all.setProperty(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        all.setProperty(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), "100");
        all.setProperty(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
        // Event times of the workload lie in the past, and a broker deletes what is older than the retention.
        all.setProperty(StreamsConfig.topicPrefix("retention.ms"), "-1");
        // Changelogs of windows have a retention of their own, to which only time can be added.
        all.setProperty(StreamsConfig.WINDOW_STORE_CHANGE_LOG_ADDITIONAL_RETENTION_MS_CONFIG, HUNDRED_YEARS_MS);
        all.putAll(settings);
        return all;
    }
}
