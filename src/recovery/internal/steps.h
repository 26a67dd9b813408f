#pragma once

#include <memory>

#include "recovery/step.h"

/// What makes each step. Their sources are in steps/; those that do the same at another moment
/// share one (migrate.cc, validate.cc).
namespace salvor::recovery::internal {

std::unique_ptr<Step> make_preflight();
std::unique_ptr<Step> make_lock_writes();
std::unique_ptr<Step> make_safety_snapshot();
std::unique_ptr<Step> make_provision();
std::unique_ptr<Step> make_restore_store(const StorePlan& store);
std::unique_ptr<Step> make_verify_copy();
std::unique_ptr<Step> make_migrate();
std::unique_ptr<Step> make_rebuild(const service::Rebuild& rebuild);
std::unique_ptr<Step> make_validate();
std::unique_ptr<Step> make_cut_over();
std::unique_ptr<Step> make_return_to_service();
std::unique_ptr<Step> make_validate_in_place();
std::unique_ptr<Step> make_validate_live();
std::unique_ptr<Step> make_watch();
std::unique_ptr<Step> make_tear_down();

/// Of what the watch remembered.
bool was_healthy(const std::string& data);

}  // namespace salvor::recovery::internal
