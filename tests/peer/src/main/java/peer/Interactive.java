package peer;

import java.io.IOException;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.CloseOptions.GroupMembershipOperation;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;

/**
 * Runs until standard input ends or, with {@code --idle-seconds}, until nothing has come for so long; then commits,
 * leaves the group and ends. Prints {@code RUNNING} when it has its partitions and its state, and {@code processed N}
 * at the end.
 */
final class Interactive {
    private static final long LOOK_EVERY_MS = 20;

    private Interactive() {}

    static void run(Topology topology, Options options) throws InterruptedException {
        Properties settings = options.settings();
        long idleNanos = Duration.ofSeconds(Long.parseLong(options.get("idle-seconds", "0"))).toNanos();
        KafkaStreams streams = Main.client(topology, settings);
        CountDownLatch running = new CountDownLatch(1);
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.RUNNING) {
                running.countDown();
            }
        });
        int threads = Integer.parseInt(settings.getProperty(StreamsConfig.NUM_STREAM_THREADS_CONFIG));
        Processed processed = new Processed(streams, threads);
        CountDownLatch ended = idleNanos > 0 ? new CountDownLatch(1) : inputEnds();
        streams.start();
        running.await();
        System.out.println("RUNNING");

        long done = 0;
        long lastChange = System.nanoTime();
        while (ended.getCount() > 0) {
            Thread.sleep(LOOK_EVERY_MS);
            long now = processed.total();
            if (now != done) {
                done = now;
                lastChange = System.nanoTime();
            } else if (idleNanos > 0 && System.nanoTime() - lastChange > idleNanos) {
                break;
            }
        }
        streams.close(CloseOptions.groupMembershipOperation(GroupMembershipOperation.LEAVE_GROUP));
        System.out.println("processed " + processed.total());
    }

    private static CountDownLatch inputEnds() {
        CountDownLatch ended = new CountDownLatch(1);
        Thread reader = new Thread(() -> {
            try {
                while (System.in.read() >= 0) {
                    // Bytes mean nothing; only the end does.
                }
            } catch (IOException e) {
                // A broken pipe is an end, too.
            }
            ended.countDown();
        }, "input");
        reader.setDaemon(true);
        reader.start();
        return ended;
    }
}
