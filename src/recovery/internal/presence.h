#pragma once

#include "recovery/internal/step.h"

/// A run knows where it ran (docs/recovery.md, "Where a run ran"): each of its workplaces holds a
/// random token, which the journal has, too.
namespace salvor::recovery::internal {

/// What the journal says of one workplace.   `device` and `inode`: for messages only.
struct Token {
  std::string store;
  std::string path;
  std::string token;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
};

/// Where a run has its token of a store: in the workplace. A store that is written over has none:
/// then it is a directory of its own, beside the store, or at its root where that is a mount point.
std::filesystem::path place_of_token(RunContext& context, const StorePlan& store);

/// Leaves a token in each workplace, durably, unless it has one. Returns what the journal should
/// remember (JSON).
std::string leave_tokens(RunContext& context);

/// Removes the directory that a store which is written over has for its token. May be repeated.
void remove_token(RunContext& context, const StorePlan& store);

/// The tokens that a journal has; empty where it has none.   Errors: corruption.
std::vector<Token> tokens_in(const Journal& journal);

/// Whether a token is where the journal says that it is.
bool is_here(RunContext& context, const StorePlan& store, const Token& token);

/// What tells the live stores of this host from those of another one, for the journal, before
/// anything is touched (JSON). Of a store that is missing: the nearest directory above it, where
/// that can tell it.
std::string describe_stores(RunContext& context);

/// To be called before a run is resumed, undone or closed, and after what an interrupted exchange
/// has begun to move is in its place. Touches nothing. Errors: refused, naming each workplace that
/// the journal says exists, and that is not here. Before there are any: on another host (another
/// name, or another machine), unless each store is known to be the one with which the run has
/// begun; one that was missing has to be missing on the same storage. Runs of versions that have
/// said nothing of their stores are taken for present.
void require_here(RunContext& context);

}  // namespace salvor::recovery::internal
