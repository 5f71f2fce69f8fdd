package pintle

import java.io.FilterOutputStream
import java.io.InputStream
import java.io.OutputStream
import java.net.InetAddress
import java.net.SocketAddress
import java.nio.channels.SocketChannel
import java.security.cert.CertificateException
import java.util.function.BiFunction
import javax.net.ssl.HandshakeCompletedListener
import javax.net.ssl.SSLParameters
import javax.net.ssl.SSLSession
import javax.net.ssl.SSLSocket

/** A connected socket that decides again before each write; all else is the platform's. */
internal class PinnedSocket(private val inner: SSLSocket, private val connection: Connection) : SSLSocket() {
    override fun getOutputStream(): OutputStream = object : FilterOutputStream(inner.outputStream) {
        override fun write(byte: Int) = write(byteArrayOf(byte.toByte()), 0, 1)

        override fun write(bytes: ByteArray, offset: Int, length: Int) {
            if (!connection.isDecided) inner.startHandshake()
            try {
                connection.decideAgain()
            } catch (refused: CertificateException) {
                inner.close()
                throw refused.asInputOutput()
            }
            out.write(bytes, offset, length)
        }
    }

    override fun getInputStream(): InputStream = inner.inputStream

    override fun startHandshake() = inner.startHandshake()

    override fun getSession(): SSLSession = inner.session

    override fun getHandshakeSession(): SSLSession? = inner.handshakeSession

    override fun getSSLParameters(): SSLParameters = inner.sslParameters

    override fun setSSLParameters(parameters: SSLParameters) = inner.setSSLParameters(parameters)

    @LaterThanAndroid7
    override fun getApplicationProtocol(): String? = inner.applicationProtocol

    @LaterThanAndroid7
    override fun getHandshakeApplicationProtocol(): String? = inner.handshakeApplicationProtocol

    @LaterThanAndroid7
    override fun setHandshakeApplicationProtocolSelector(selector: BiFunction<SSLSocket, List<String>, String>?) =
        inner.setHandshakeApplicationProtocolSelector(selector)

    @LaterThanAndroid7
    override fun getHandshakeApplicationProtocolSelector(): BiFunction<SSLSocket, List<String>, String>? =
        inner.handshakeApplicationProtocolSelector

    override fun getSupportedCipherSuites(): Array<String> = inner.supportedCipherSuites

    override fun getEnabledCipherSuites(): Array<String> = inner.enabledCipherSuites

    override fun setEnabledCipherSuites(suites: Array<String>) = inner.setEnabledCipherSuites(suites)

    override fun getSupportedProtocols(): Array<String> = inner.supportedProtocols

    override fun getEnabledProtocols(): Array<String> = inner.enabledProtocols

    override fun setEnabledProtocols(protocols: Array<String>) = inner.setEnabledProtocols(protocols)

    override fun addHandshakeCompletedListener(listener: HandshakeCompletedListener) =
        inner.addHandshakeCompletedListener(listener)

    override fun removeHandshakeCompletedListener(listener: HandshakeCompletedListener) =
        inner.removeHandshakeCompletedListener(listener)

    override fun setUseClientMode(isClient: Boolean) {
        require(isClient) { "a pinned socket is a client's" }
        inner.useClientMode = true
    }

    override fun getUseClientMode() = inner.useClientMode

    override fun setNeedClientAuth(need: Boolean) = inner.setNeedClientAuth(need)

    override fun getNeedClientAuth() = inner.needClientAuth

    override fun setWantClientAuth(want: Boolean) = inner.setWantClientAuth(want)

    override fun getWantClientAuth() = inner.wantClientAuth

    override fun setEnableSessionCreation(enable: Boolean) = inner.setEnableSessionCreation(enable)

    override fun getEnableSessionCreation() = inner.enableSessionCreation

    override fun connect(endpoint: SocketAddress?) = inner.connect(endpoint)

    override fun connect(endpoint: SocketAddress?, timeout: Int) = inner.connect(endpoint, timeout)

    override fun bind(local: SocketAddress?) = inner.bind(local)

    override fun getInetAddress(): InetAddress? = inner.inetAddress

    override fun getLocalAddress(): InetAddress? = inner.localAddress

    override fun getPort() = inner.port

    override fun getLocalPort() = inner.localPort

    override fun getRemoteSocketAddress(): SocketAddress? = inner.remoteSocketAddress

    override fun getLocalSocketAddress(): SocketAddress? = inner.localSocketAddress

    override fun getChannel(): SocketChannel? = null

    override fun setTcpNoDelay(on: Boolean) = inner.setTcpNoDelay(on)

    override fun getTcpNoDelay() = inner.tcpNoDelay

    override fun setSoLinger(on: Boolean, linger: Int) = inner.setSoLinger(on, linger)

    override fun getSoLinger() = inner.soLinger

    override fun setSoTimeout(timeout: Int) = inner.setSoTimeout(timeout)

    override fun getSoTimeout() = inner.soTimeout

    override fun setSendBufferSize(size: Int) = inner.setSendBufferSize(size)

    override fun getSendBufferSize() = inner.sendBufferSize

    override fun setReceiveBufferSize(size: Int) = inner.setReceiveBufferSize(size)

    override fun getReceiveBufferSize() = inner.receiveBufferSize

    override fun setKeepAlive(on: Boolean) = inner.setKeepAlive(on)

    override fun getKeepAlive() = inner.keepAlive

    override fun setTrafficClass(tc: Int) = inner.setTrafficClass(tc)

    override fun getTrafficClass() = inner.trafficClass

    override fun setReuseAddress(on: Boolean) = inner.setReuseAddress(on)

    override fun getReuseAddress() = inner.reuseAddress

    override fun close() = inner.close()

    override fun shutdownInput() = inner.shutdownInput()

    override fun shutdownOutput() = inner.shutdownOutput()

    override fun isConnected() = inner.isConnected

    override fun isBound() = inner.isBound

    override fun isClosed() = inner.isClosed

    override fun isInputShutdown() = inner.isInputShutdown

    override fun isOutputShutdown() = inner.isOutputShutdown

    override fun toString() = "pinned $inner"
}
