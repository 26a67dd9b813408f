#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "stores/type.h"

/// A kind of store that lives in this process's memory, at no path: it proves that nothing outside
/// of stores/ depends on what a store is, or on its being in a file system.
///     [service.shop.store.cart]
///     type = "memory"
///     name = "cart"
namespace salvor::testing {

/// What a place of the memory holds: content by name.
using MemoryContent = std::map<std::string, std::string>;

/// The place "memory:NAME". An application would change it; the tests do.
/// Threads: one.
MemoryContent& memory_at(const std::string& name);

/// Calls `look` whenever somebody asks on which file system a place lies. May be empty.
/// Threads: one.
void on_look_at_memory(std::function<void()> look);

/// Forgets all places, and whom to call.
void clear_memory();

/// The names of all places, the workplaces of restores among them.
std::vector<std::string> memory_names();

/// Makes it one of the types that this process knows. May be called again.
void register_memory_type();

}  // namespace salvor::testing
