import CPintle

/// Something failed; `code` is its stable code, the same in every SDK.
public struct PintleError: Error, Sendable, Equatable, CustomStringConvertible {
    /// As `fetch_failed` or `pin_mismatch`.
    public let code: String
    /// A sentence for people.
    public let message: String

    /// The code and the message.
    public var description: String { "\(code): \(message)" }

    static func setup(_ message: String) -> PintleError {
        PintleError(code: "setup_invalid", message: message)
    }

    /// Throws what a function of the library says; nothing if it says nothing. To be called on the same thread.
    static func check(_ code: UnsafePointer<CChar>?) throws {
        guard let code else { return }
        throw PintleError(code: String(cString: code), message: String(cString: pintle_last_message()))
    }
}
