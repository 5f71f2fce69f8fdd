import Foundation

extension Pintle {
    /// What an app embeds: three public values and the URLs its configuration is fetched from.
    ///
    /// Nothing is checked here; `Pintle(_:options:)` throws `setup_invalid` for what is no root.
    public struct Root: Sendable, Equatable {
        /// As `pintle.json`.
        let json: Data

        /// The content of `pintle.json`.
        public init(json: Data) {
            self.json = json
        }

        /// The content of a property list with the same keys as `pintle.json`.
        ///
        /// Throws `PintleError` with `setup_invalid` if it is none.
        public init(plist: Data) throws {
            let properties: Any
            do {
                properties = try PropertyListSerialization.propertyList(from: plist, format: nil)
            } catch {
                throw PintleError.setup("this is no property list: \(error)")
            }
            try self.init(properties: properties)
        }

        /// A file: a property list if its name ends in `.plist`, else JSON.
        ///
        /// Throws `PintleError` with `setup_invalid` if it cannot be read.
        public init(contentsOf file: URL) throws {
            let content: Data
            do {
                content = try Data(contentsOf: file)
            } catch {
                throw PintleError.setup("\(file.lastPathComponent) cannot be read: \(error)")
            }
            if file.pathExtension.lowercased() == "plist" {
                try self.init(plist: content)
            } else {
                self.init(json: content)
            }
        }

        /// The dictionary `key` of `Info.plist`, with the same keys as `pintle.json`.
        ///
        /// Throws `PintleError` with `setup_invalid` if there is none.
        public init(infoOf bundle: Bundle, key: String = "Pintle") throws {
            guard let properties = bundle.object(forInfoDictionaryKey: key) else {
                throw PintleError.setup("Info.plist has no `\(key)`")
            }
            try self.init(properties: properties)
        }

        /// The values themselves; `publicKey` and `recoveryKey` in base64 as the dashboard shows them. `builtAt` is when the app
        /// was built: no earlier time is believed.
        public init(
            organization: String, project: String, publicKey: String, urls: [String],
            recoveryKey: String? = nil, builtAt: Date? = nil
        ) {
            var values: [String: Any] = [
                "organization": organization, "project": project, "public_key": publicKey, "urls": urls,
            ]
            values["recovery_key"] = recoveryKey
            values["built_at"] = builtAt.map { UInt64(max(0, $0.timeIntervalSince1970)) }
            // Strings and a number: this cannot fail, and what is no JSON is refused at set-up.
            json = (try? JSONSerialization.data(withJSONObject: values)) ?? Data()
        }

        private init(properties: Any) throws {
            guard properties is [String: Any], JSONSerialization.isValidJSONObject(properties) else {
                throw PintleError.setup("the root must be a dictionary of texts, numbers and lists")
            }
            json = try JSONSerialization.data(withJSONObject: properties)
        }
    }
}
