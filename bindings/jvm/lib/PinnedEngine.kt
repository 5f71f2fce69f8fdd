package pintle

import java.nio.ByteBuffer
import java.security.cert.CertificateException
import java.util.function.BiFunction
import javax.net.ssl.SSLEngine
import javax.net.ssl.SSLEngineResult
import javax.net.ssl.SSLEngineResult.HandshakeStatus
import javax.net.ssl.SSLParameters
import javax.net.ssl.SSLSession

/** An engine that decides again before it encrypts what the app writes; all else is the platform's. */
internal class PinnedEngine(private val inner: SSLEngine, private val connection: Connection) :
    SSLEngine(inner.peerHost, inner.peerPort) {
    override fun wrap(from: Array<ByteBuffer>, offset: Int, length: Int, to: ByteBuffer): SSLEngineResult {
        // Before the first handshake it is this that begins one.
        val isThrough = inner.session.cipherSuite != "SSL_NULL_WITH_NULL_NULL"
        val isTheApps = isThrough && inner.handshakeStatus == HandshakeStatus.NOT_HANDSHAKING
        if (isTheApps && (offset until offset + length).any { from[it].hasRemaining() }) {
            try {
                connection.decideAgain()
            } catch (refused: CertificateException) {
                throw refused.asInputOutput()
            }
        }
        return inner.wrap(from, offset, length, to)
    }

    override fun unwrap(from: ByteBuffer, to: Array<ByteBuffer>, offset: Int, length: Int): SSLEngineResult =
        inner.unwrap(from, to, offset, length)

    override fun getDelegatedTask(): Runnable? = inner.delegatedTask

    override fun closeInbound() = inner.closeInbound()

    override fun isInboundDone() = inner.isInboundDone

    override fun closeOutbound() = inner.closeOutbound()

    override fun isOutboundDone() = inner.isOutboundDone

    override fun getSupportedCipherSuites(): Array<String> = inner.supportedCipherSuites

    override fun getEnabledCipherSuites(): Array<String> = inner.enabledCipherSuites

    override fun setEnabledCipherSuites(suites: Array<String>) = inner.setEnabledCipherSuites(suites)

    override fun getSupportedProtocols(): Array<String> = inner.supportedProtocols

    override fun getEnabledProtocols(): Array<String> = inner.enabledProtocols

    override fun setEnabledProtocols(protocols: Array<String>) = inner.setEnabledProtocols(protocols)

    override fun getSession(): SSLSession = inner.session

    override fun getHandshakeSession(): SSLSession? = inner.handshakeSession

    override fun beginHandshake() = inner.beginHandshake()

    override fun getHandshakeStatus(): HandshakeStatus = inner.handshakeStatus

    override fun setUseClientMode(isClient: Boolean) {
        require(isClient) { "a pinned engine is a client's" }
        inner.useClientMode = true
    }

    override fun getUseClientMode() = inner.useClientMode

    override fun setNeedClientAuth(need: Boolean) = inner.setNeedClientAuth(need)

    override fun getNeedClientAuth() = inner.needClientAuth

    override fun setWantClientAuth(want: Boolean) = inner.setWantClientAuth(want)

    override fun getWantClientAuth() = inner.wantClientAuth

    override fun setEnableSessionCreation(enable: Boolean) = inner.setEnableSessionCreation(enable)

    override fun getEnableSessionCreation() = inner.enableSessionCreation

    override fun getSSLParameters(): SSLParameters = inner.sslParameters

    override fun setSSLParameters(parameters: SSLParameters) = inner.setSSLParameters(parameters)

    @LaterThanAndroid7
    override fun getApplicationProtocol(): String? = inner.applicationProtocol

    @LaterThanAndroid7
    override fun getHandshakeApplicationProtocol(): String? = inner.handshakeApplicationProtocol

    @LaterThanAndroid7
    override fun setHandshakeApplicationProtocolSelector(selector: BiFunction<SSLEngine, List<String>, String>?) =
        inner.setHandshakeApplicationProtocolSelector(selector)

    @LaterThanAndroid7
    override fun getHandshakeApplicationProtocolSelector(): BiFunction<SSLEngine, List<String>, String>? =
        inner.handshakeApplicationProtocolSelector
}
