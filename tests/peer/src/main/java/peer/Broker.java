package peer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/**
 * A Kafka broker that lives as long as its standard input is open.
 *
 * <p>Whoever starts it holds the other end of the pipe, so the broker cannot outlive its owner, however that one ends.
 * It removes its folder and halts: what a test broker stored is of no use to anybody.
 *
 * <p>Arguments: the folder with {@code server.properties}, and the cluster's id.
 */
public final class Broker {
    private Broker() {}

    public static void main(String[] args) {
        Path folder = Path.of(args[0]);
        String settings = folder.resolve("server.properties").toString();
        String[] format = {"format", "--cluster-id", args[1], "--config", settings};
        int status = kafka.tools.StorageTool.execute(format, System.out);
        if (status != 0) {
            System.exit(status);
        }
        Thread owner = new Thread(() -> haltWithOwner(folder), "owner");
        owner.setDaemon(true);
        owner.start();
        kafka.Kafka.main(new String[] {settings});
    }

    private static void haltWithOwner(Path folder) {
        try {
            while (System.in.read() >= 0) {
                // Bytes mean nothing; only the end does.
            }
        } catch (IOException e) {
            // A broken pipe is an end, too.
        }
        delete(folder);
        Runtime.getRuntime().halt(0);
    }

    private static void delete(Path folder) {
        try (Stream<Path> paths = Files.walk(folder)) {
            paths.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
        } catch (IOException | RuntimeException e) {
            // Files that vanish meanwhile were to go anyway.
        }
    }
}
