package peer;

import java.util.Properties;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.Topology;

/**
 * The Kafka Streams side of the benchmarks and of the interoperability tests.
 *
 * <pre>
 * describe  prints the topology
 * bench     processes what the input topic holds when it starts, stops, and prints one line of JSON
 * run       processes until standard input ends or, with --idle-seconds, until nothing has come for so long
 * </pre>
 */
public final class Main {
    private Main() {}

    public static void main(String[] args) throws Exception {
        if (args.length == 0) {
            fail("name one of describe, bench, run");
        }
        try {
            Options options = new Options(args);
            Topology topology = Applications.topology(options);
            switch (args[0]) {
                case "describe" -> System.out.print(topology.describe());
                case "bench" -> Bench.run(topology, options);
                case "run" -> Interactive.run(topology, options);
                default -> fail("there is no command '" + args[0] + "': name one of describe, bench, run");
            }
        } catch (IllegalArgumentException e) {
            fail(e.getMessage());
        }
    }

    /** A client that ends this process when its application fails. */
    static KafkaStreams client(Topology topology, Properties settings) {
        KafkaStreams streams = new KafkaStreams(topology, settings);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            // The application's threads wait for each other on a clean way out; this one is not clean.
            Runtime.getRuntime().halt(1);
            return null;
        });
        return streams;
    }

    private static void fail(String message) {
        System.err.println("peer: " + message);
        System.exit(2);
    }
}
