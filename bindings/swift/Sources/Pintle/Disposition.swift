extension Pintle {
    /// What a platform that verifies by itself is to be told about a connection.
    enum Disposition: Equatable {
        /// The pins refuse it.
        case refuse
        /// The pins allow it: the platform goes on with what it verifies anyway.
        case leaveToPlatform
        /// The pins decide alone, and the platform would refuse it.
        case trustInstead

        init(of decision: Decision, platformAccepts: Bool) {
            switch (decision.isAllowed, platformAccepts) {
            case (false, _): self = .refuse
            case (true, true): self = .leaveToPlatform
            case (true, false): self = .trustInstead
            }
        }
    }
}
