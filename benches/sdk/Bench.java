// What pinning costs on Java: `Bench.java FOLDER PORT`, by `cargo xtask bench sdk`. A line of JSON for each figure.

import java.io.File;
import java.io.FileInputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.CertificatePinner;
import pintle.Pintle;

class Bench {
    static final String HOST = "localhost";

    interface Work {
        void run() throws Exception;
    }

    static long[] measure(int times, Work work) throws Exception {
        long[] taken = new long[times];
        for (int i = 0; i < times; i++) {
            long begun = System.nanoTime();
            work.run();
            taken[i] = System.nanoTime() - begun;
        }
        return taken;
    }

    static void tell(String name, long[] taken) {
        Arrays.sort(taken);
        long p50 = taken[taken.length / 2], p99 = taken[Math.min(taken.length - 1, taken.length * 99 / 100)];
        System.out.printf("{\"name\": \"%s\", \"least\": %d, \"p50\": %d, \"p99\": %d}%n", name, taken[0], p50, p99);
    }

    static X509TrustManager trusting(File ca) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null);
        try (FileInputStream stream = new FileInputStream(ca)) {
            int number = 0;
            for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(stream)) {
                store.setCertificateEntry("" + number++, each);
            }
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return (X509TrustManager) factory.getTrustManagers()[0];
    }

    static void handshake(SSLSocketFactory factory, int port) throws Exception {
        Socket plain = new Socket(InetAddress.getLoopbackAddress(), port);
        try (SSLSocket socket = (SSLSocket) factory.createSocket(plain, HOST, port, true)) {
            socket.startHandshake();
        }
    }

    public static void main(String[] arguments) throws Exception {
        File folder = new File(arguments[0]);
        int port = Integer.parseInt(arguments[1]);
        X509TrustManager platform = trusting(new File(folder, "ca.pem"));
        Pintle.Builder builder = Pintle.builder(new File(folder, "pintle.json"))
            .storageDir(new File(folder, "storage")).trustManager(platform).dangerousAllowHttpLoopback();
        builder.setup().close();
        // Nothing of an earlier one refreshes meanwhile.
        Pintle[] last = {builder.setup()};
        long[] setUps = new long[200];
        for (int i = 0; i < setUps.length; i++) {
            last[0].close();
            setUps[i] = measure(1, () -> last[0] = builder.setup())[0];
        }
        tell("set-up", setUps);
        Pintle pins = last[0];

        List<byte[]> presented = Pintle.fetchCertificate(HOST, port, "127.0.0.1");
        if (!pins.check(HOST, presented, true, presented).getAllowed()) throw new IllegalStateException("refused");
        Work decide = () -> pins.check(HOST, presented, true, presented);
        measure(20_000, decide);
        tell("decision", measure(20_000, decide));
        decideByOkHttp(presented);

        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {platform}, null);
        SSLSocketFactory unpinned = context.getSocketFactory(), pinned = pins.socketFactory();
        int times = 300, warm = 300;
        long[][] taken = new long[2][times];
        for (int i = -warm; i < times; i++) {
            // Whole handshakes are compared: by itself Java would resume.
            Collections.list(context.getClientSessionContext().getIds())
                .forEach(id -> context.getClientSessionContext().getSession(id).invalidate());
            long without = measure(1, () -> handshake(unpinned, port))[0];
            long with = measure(1, () -> handshake(pinned, port))[0];
            if (i >= 0) {
                taken[0][i] = without;
                taken[1][i] = with;
            }
        }
        tell("handshake, unpinned", taken[0]);
        tell("handshake, pinned", taken[1]);
        pins.close();
        System.exit(0);
    }

    /** The peer: what OkHttp asks of the same chain, which has been cleaned before. */
    static void decideByOkHttp(List<byte[]> presented) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        List<Certificate> chain = new ArrayList<>();
        for (byte[] der : presented) chain.add(factory.generateCertificate(new java.io.ByteArrayInputStream(der)));
        CertificatePinner pinner = new CertificatePinner.Builder().add(HOST, CertificatePinner.pin(chain.get(0))).build();
        measure(20_000, () -> pinner.check(HOST, chain));
        tell("decision, CertificatePinner", measure(20_000, () -> pinner.check(HOST, chain)));
    }
}
