#pragma once

#include <map>

#include "config/config.h"
#include "config/internal/table_reader.h"
#include "service/service.h"

/// The parts of the configuration's parser. Each adds what is wrong to the findings of its reader,
/// and returns what could be read; the caller discards all of it when there were findings.
namespace salvor::config::internal {

/// The stores of a service by name, with their types; null when it could not be read.
using StoreTypes = std::map<std::string, const stores::Type*, std::less<>>;

service::Service parse_service(const std::string& name, const TomlValue& value, Findings& findings);

/// Empty when its type is unknown, or one that this version does not support.
std::optional<service::Store> parse_store(const std::string& name, const TomlValue& value,
                                          const std::string& path, Findings& findings);

std::vector<service::Check> parse_checks(TableReader& service, const StoreTypes& stores);
std::vector<service::Reference> parse_references(TableReader& service, const StoreTypes& stores);
std::optional<service::Watch> parse_watch(TableReader& service, const StoreTypes& stores);
service::Schedule parse_schedule(TableReader& service);
std::optional<service::Retention> parse_retention(TableReader& service);

}  // namespace salvor::config::internal
