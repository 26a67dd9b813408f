#include "checks/watch.h"

#include "base/error.h"
#include "base/json.h"
#include "recovery/internal/steps.h"

namespace salvor::recovery::internal {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const checks::WatchReport& report) {
  Json json{{"healthy", report.healthy},
            {"seconds", report.seconds},
            {"failures", report.failures},
            {"probes", Json::array()}};
  for (const checks::ProbeReport& probe : report.probes) {
    json["probes"].push_back({{"name", probe.name},
                              {"kind", probe.kind},
                              {"runs", probe.runs},
                              {"failures", probe.failures},
                              {"skipped", probe.skipped},
                              {"median_s", probe.median_s},
                              {"longest_s", probe.longest_s},
                              {"last_failure", probe.last_failure},
                              {"remarks", probe.remarks}});
  }
  return json;
}

class Watch final : public Step {
 public:
  StepId id() const override { return StepKind::watch; }
  bool can_be_undone() const override { return false; }
  std::string what(const Plan& plan) const override {
    return "probe the service every " + human_duration(static_cast<double>(plan.watch->every_s)) +
           " for " + human_duration(static_cast<double>(plan.watch->duration_s));
  }

  std::string run(RunContext& context) override {
    const service::Watch& plan = *context.plan.watch;
    checks::CheckSubjects subjects = context.subjects();
    subjects.live = true;
    checks::WatchOptions options;
    options.probes = plan.probes;
    options.duration_s = plan.duration_s;
    options.every_s = plan.every_s;
    options.failures_max = static_cast<std::uint64_t>(plan.failures_max);
    options.baseline = context.baseline;
    options.stop = context.stop;
    options.on_anomaly = [&context](const checks::Anomaly& anomaly) {
      const std::string line =
          format_time(anomaly.time) + "  " + anomaly.probe + ": " + anomaly.what;
      context.say(line);
      context.deviations.push_back(line);
    };
    const checks::WatchReport report = watch(options, subjects);
    if (report.stopped) {
      throw Error(ErrorCode::cancelled, "the watch was stopped before its time",
                  "the service is restored; watch it again with --resume");
    }
    for (const checks::ProbeReport& probe : report.probes) {
      for (const std::string& remark : probe.remarks) context.say(probe.name + ": " + remark);
    }
    return write_json(json_of(report), -1, InvalidUtf8::replace);
  }
};

}  // namespace

Steps make_watch(const Plan& plan, bool) {
  return one<Watch>(plan.watch.has_value());
}

bool was_healthy(const std::string& data) {
  const Json json = try_parse_json<Json>(data);
  return !json.is_object() || json.value("healthy", true);
}

}  // namespace salvor::recovery::internal

namespace salvor::recovery {

checks::Baseline baseline_in(const std::string& watch_data) {
  const auto json = try_parse_json(watch_data);
  checks::Baseline baseline;
  if (!json.is_object() || !json.contains("probes")) return baseline;
  for (const auto& probe : json["probes"]) {
    const auto runs = probe.value("runs", std::uint64_t{0});
    if (runs == 0) continue;
    const auto failures = probe.value("failures", std::uint64_t{0});
    baseline[probe.value("name", "")] = {runs,
                                         static_cast<double>(failures) / static_cast<double>(runs),
                                         probe.value("median_s", 0.0)};
  }
  return baseline;
}

}  // namespace salvor::recovery
