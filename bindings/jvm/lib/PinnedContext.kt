package pintle

import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.Socket
import java.security.KeyManagementException
import java.security.SecureRandom
import javax.net.ssl.KeyManager
import javax.net.ssl.SSLContext
import javax.net.ssl.SSLContextSpi
import javax.net.ssl.SSLEngine
import javax.net.ssl.SSLParameters
import javax.net.ssl.SSLSessionContext
import javax.net.ssl.SSLSocket
import javax.net.ssl.SSLSocketFactory
import javax.net.ssl.TrustManager
import javax.net.ssl.X509TrustManager

/** A context all of whose connections are pinned. */
internal class PinnedContext(spi: PinnedContextSpi) : SSLContext(spi, spi.template.provider, spi.template.protocol) {
    constructor(pins: Pintle, platform: X509TrustManager, keyManagers: Array<KeyManager>?) :
        this(PinnedContextSpi(Connector(pins, platform, keyManagers)))
}

/** Makes TLS connections, each by a context of its own: sessions of earlier ones are nowhere to be resumed from. */
internal class Connector(
    private val pins: Pintle,
    private val platform: X509TrustManager,
    private val keyManagers: Array<KeyManager>?,
) {
    fun context(connection: Connection): SSLContext {
        val trust: TrustManager = PintleTrustManager(pins, platform, connection)
        return SSLContext.getInstance("TLS").apply { init(keyManagers, arrayOf(trust), null) }
    }

    fun engine(host: String?, port: Int): SSLEngine {
        val connection = Connection(pins)
        val context = context(connection)
        val engine = if (host == null) context.createSSLEngine() else context.createSSLEngine(host, port)
        return PinnedEngine(engine, connection)
    }

    /** TLS over [plain]. Guarded, it decides before each write by itself; else whoever writes asks [Pintle.connectionOf]. */
    fun socket(plain: Socket, host: String, port: Int, autoClose: Boolean, guarded: Boolean): SSLSocket {
        val connection = Connection(pins)
        val socket = context(connection).socketFactory.createSocket(plain, host, port, autoClose) as SSLSocket
        val given = if (guarded) PinnedSocket(socket, connection) else socket
        pins.keep(connection, given)
        return given
    }

    fun template(): SSLContext = context(Connection(pins))
}

internal class PinnedContextSpi(private val connector: Connector) : SSLContextSpi() {
    /** Answers questions; connects nothing. */
    val template: SSLContext = connector.template()

    override fun engineInit(keys: Array<KeyManager>?, trust: Array<TrustManager>?, random: SecureRandom?): Unit =
        throw KeyManagementException("a pinned context is set up: give trust and key managers to Pintle.sslContext")

    override fun engineGetSocketFactory(): SSLSocketFactory = PinnedSocketFactory(connector, guarded = true)

    override fun engineGetServerSocketFactory() = throw UnsupportedOperationException("a pinned context is a client's")

    override fun engineCreateSSLEngine(): SSLEngine = connector.engine(null, -1)

    override fun engineCreateSSLEngine(host: String?, port: Int): SSLEngine = connector.engine(host, port)

    override fun engineGetServerSessionContext(): SSLSessionContext = template.serverSessionContext

    /** Empty for ever. */
    override fun engineGetClientSessionContext(): SSLSessionContext = template.clientSessionContext

    override fun engineGetDefaultSSLParameters(): SSLParameters = template.defaultSSLParameters

    override fun engineGetSupportedSSLParameters(): SSLParameters = template.supportedSSLParameters
}

internal class PinnedSocketFactory(private val connector: Connector, private val guarded: Boolean) : SSLSocketFactory() {
    private val template = connector.template().socketFactory

    override fun getDefaultCipherSuites(): Array<String> = template.defaultCipherSuites

    override fun getSupportedCipherSuites(): Array<String> = template.supportedCipherSuites

    override fun createSocket(plain: Socket, host: String, port: Int, autoClose: Boolean): Socket =
        connector.socket(plain, host, port, autoClose, guarded)

    override fun createSocket(host: String, port: Int): Socket = over(Socket(host, port), host, port)

    override fun createSocket(host: String, port: Int, localHost: InetAddress?, localPort: Int): Socket =
        over(Socket(host, port, localHost, localPort), host, port)

    // An address is no name: whatever it stands for is not asked of anybody.
    override fun createSocket(address: InetAddress, port: Int): Socket =
        over(Socket(address, port), address.hostAddress.orEmpty(), port)

    override fun createSocket(address: InetAddress, port: Int, localAddress: InetAddress?, localPort: Int): Socket =
        over(Socket(address, port, localAddress, localPort), address.hostAddress.orEmpty(), port)

    private fun over(plain: Socket, host: String, port: Int) = connector.socket(plain, host, port, true, guarded)
}

/** Looks and leaves: the handshake never ends well, so that nothing can be sent. */
internal fun presentedBy(host: String, port: Int, address: String, timeoutMillis: Int): List<ByteArray> {
    val looking = LookingTrustManager()
    val context = SSLContext.getInstance("TLS").apply { init(null, arrayOf<TrustManager>(looking), null) }
    Socket().use { plain ->
        plain.connect(InetSocketAddress(address, port), timeoutMillis)
        plain.soTimeout = timeoutMillis
        try {
            (context.socketFactory.createSocket(plain, host, port, true) as SSLSocket).use { it.startHandshake() }
        } catch (error: javax.net.ssl.SSLException) {
            if (looking.seen == null) throw error
        }
    }
    return looking.seen.orEmpty()
}
