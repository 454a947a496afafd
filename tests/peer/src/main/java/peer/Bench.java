package peer;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.CloseOptions.GroupMembershipOperation;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;

/**
 * Processes what the input topic holds, and says what that took.
 *
 * <p>The clock runs from the first record processed to the last offset committed. CPU time is that of the whole
 * process, start-up included; the steady part begins when a fifth of the records is done.
 */
final class Bench {
    private static final long LOOK_EVERY_MS = 5;
    private static final long SILENCE_MAX_NANOS = Duration.ofSeconds(120).toNanos();
    private static final double WARM_UP = 0.2;

    private Bench() {}

    static void run(Topology topology, Options options) throws Exception {
        Properties settings = options.settings();
        long records = recordsIn(options.get("input", "user-events"), settings);
        KafkaStreams streams = Main.client(topology, settings);
        int threads = Integer.parseInt(settings.getProperty(StreamsConfig.NUM_STREAM_THREADS_CONFIG));
        Processed processed = new Processed(streams, threads);
        streams.start();

        Long firstNanos = null;
        Long steadyRecords = null;
        long steadyCpuNanos = 0;
        long done = 0;
        long lastChange = System.nanoTime();
        while (done < records) {
            Thread.sleep(LOOK_EVERY_MS);
            long now = processed.total();
            if (now > done) {
                lastChange = System.nanoTime();
            } else if (System.nanoTime() - lastChange > SILENCE_MAX_NANOS) {
                throw new IllegalStateException(done + " of " + records + " records are done and no more come");
            }
            done = now;
            if (firstNanos == null && done > 0) {
                firstNanos = System.nanoTime();
            }
            if (steadyRecords == null && done >= WARM_UP * records) {
                steadyRecords = done;
                steadyCpuNanos = cpuNanos();
            }
        }
        streams.close(CloseOptions.groupMembershipOperation(GroupMembershipOperation.LEAVE_GROUP));

        long cpuNanos = cpuNanos();
        double wallSeconds = firstNanos == null ? 0 : (System.nanoTime() - firstNanos) / 1e9;
        double cpuSeconds = cpuNanos / 1e9;
        double steadyCpuSeconds = (cpuNanos - steadyCpuNanos) / 1e9;
        long steady = records - (steadyRecords == null ? records : steadyRecords);
        System.out.printf(
            Locale.ROOT,
            "{\"records\":%d,\"wall_seconds\":%.3f,\"cpu_seconds\":%.3f,\"records_per_second\":%.0f,"
                + "\"records_per_cpu_second\":%.0f,\"steady_records_per_cpu_second\":%.0f,\"peak_rss_bytes\":%d}%n",
            records, wallSeconds, cpuSeconds, records / wallSeconds, records / cpuSeconds, steady / steadyCpuSeconds,
            peakRssBytes());
    }

    private static long recordsIn(String topic, Properties settings) {
        Properties client = new Properties();
        client.put("bootstrap.servers", settings.getProperty(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG));
        ByteArrayDeserializer bytes = new ByteArrayDeserializer();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(client, bytes, bytes)) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                .map(partition -> new TopicPartition(partition.topic(), partition.partition()))
                .toList();
            return consumer.endOffsets(partitions).values().stream().mapToLong(Long::longValue).sum();
        }
    }

    /** User and system time of this process. */
    private static long cpuNanos() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private static long peakRssBytes() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return 0;
        }
        return Files.readAllLines(status).stream()
            .filter(line -> line.startsWith("VmHWM:"))
            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
            .findFirst()
            .orElse(0);
    }
}
