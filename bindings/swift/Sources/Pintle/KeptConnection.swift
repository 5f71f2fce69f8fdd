import Foundation

extension Pintle {
    /// A connection that is kept: what it was decided on, and what was decided. Trust changes while connections live, by a
    /// release or by time alone: ask `mayRequest` before every request.
    public final class KeptConnection: Sendable {
        private let pins: Pintle
        private let evidence: Evidence
        private let decided: Guarded<Decision>

        /// With the `decision` that `pins` made on `evidence`.
        public init(_ pins: Pintle, _ evidence: Evidence, decision: Decision) {
            (self.pins, self.evidence, decided) = (pins, evidence, Guarded(decision))
        }

        /// What was decided last.
        public var decision: Decision { decided.value }

        /// True if it may carry a request: one comparison while trust stays as it is. Where it has changed the connection is
        /// decided again, which may wait for news as `check` does. False: drop the connection.
        public func mayRequest() -> Bool {
            let last = decision
            if last.generation == pins.generation { return last.isAllowed }
            let again = pins.check(evidence)
            decided.value = again
            return again.isAllowed
        }
    }
}

/// Something that carries what was decided under one generation of trust, as a session with its kept connections: made anew
/// when trust has changed.
final class PerGeneration<Value>: @unchecked Sendable {
    private let generation: () -> UInt64
    private let make: () -> Value
    private let retire: (Value) -> Void
    private let kept: Guarded<(generation: UInt64, value: Value)?>

    init(of generation: @escaping () -> UInt64, make: @escaping () -> Value, retire: @escaping (Value) -> Void) {
        (self.generation, self.make, self.retire) = (generation, make, retire)
        kept = Guarded(nil)
    }

    deinit {
        if let kept = kept.value { retire(kept.value) }
    }

    /// The one of now. Ask for it again before every use.
    var current: Value {
        let now = generation()
        var retired: Value?
        let current = kept.change { kept -> Value in
            if let kept, kept.generation == now { return kept.value }
            retired = kept?.value
            let made = make()
            kept = (now, made)
            return made
        }
        if let retired { retire(retired) }
        return current
    }
}
