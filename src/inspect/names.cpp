// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/names.h"

namespace lifeboat::inspect {

std::optional<SymbolAt> symbol_at(const Session& session, uint64_t address) {
  if (!session.symbols()) return std::nullopt;
  // Modules are read only for addresses in modules.
  if (auto found = session.symbols()->at(address)) return found;
  return session.names()->at(address);
}

std::vector<Symbol> symbols_named(const Session& session, std::string_view name) {
  return session.names() == nullptr ? std::vector<Symbol>() : session.names()->find(name);
}

Result<ExpressionScope> expression_scope(const Session& session) {
  if (!session.kernel()) return std::unexpected(session.kernel().error());
  if (!session.types()) return std::unexpected(session.types().error());
  return ExpressionScope{*session.kernel(), *session.types(),
                         [&session](std::string_view name) -> std::optional<uint64_t> {
                           const auto found = symbols_named(session, name);
                           return found.empty() ? std::nullopt : std::optional(found.front().address);
                         },
                         [&session](std::string_view name, uint64_t address) -> std::optional<std::string> {
                           if (session.debug_info() == nullptr) return std::nullopt;
                           return session.debug_info()->variable_type(name, address);
                         }};
}

}  // namespace lifeboat::inspect
