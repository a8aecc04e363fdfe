// SPDX-License-Identifier: GPL-2.0-or-later
// Names of addresses and addresses of names, of the kernel and its modules together.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "src/inspect/expression.h"
#include "src/inspect/session.h"

namespace lifeboat::inspect {

// The symbol that the address lies in; one without a name: in a module whose symbols are not known.
std::optional<SymbolAt> symbol_at(const Session& session, uint64_t address);
// All of that name, the kernel's first: static functions of different files may share one.
std::vector<Symbol> symbols_named(const Session& session, std::string_view name);

// This dump's names and memory for an expression; `session` must outlive it. Errors: no memory, no types.
Result<ExpressionScope> expression_scope(const Session& session);

}  // namespace lifeboat::inspect
