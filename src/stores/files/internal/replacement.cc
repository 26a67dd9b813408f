#include "stores/files/internal/replacement.h"

#include "base/error.h"
#include "base/sleeper.h"
#include "stores/disk/exchange.h"
#include "stores/disk/holders.h"
#include "stores/disk/mounts.h"
#include "stores/files/internal/carry.h"
#include "stores/files/internal/copy_sink.h"
#include "stores/files/internal/shared.h"

namespace salvor::stores::files {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kPollMs = 100;

class FilesReplacement final : public Replacement {
 public:
  FilesReplacement(const FilesTargetOptions& options, const fs::path& live,
                   const fs::path& workplace, const std::string& run)
      : clock_(options.clock),
        exclude_(options.exclude),
        lacking_(options.lacking),
        exchange_({live, workplace, workplace / "new", workplace / "old"}, options.faults) {
    carry_.list = workplace / "carry";
    carry_.exclude = &exclude_;
    carry_.lacking = &lacking_;
    carry_.workplaces = ".salvor-" + run + "-";
    carry_.step = [this](std::string_view name) { exchange_.step(name); };
  }

  ReplacementState state() const override {
    return {exchange_.is_provisioned(), exchange_.is_cut_over(),
            has_written(exchange_.places().workplace)};
  }
  Location workplace() const override { return location_of(exchange_.places().workplace); }
  Location copy() const override {
    return location_of(exchange_.is_cut_over() ? exchange_.places().live
                                               : exchange_.places().fresh);
  }

  void require_movable() const override { refuse_mounts(); }

  void provision() override {
    refuse_mounts();
    exchange_.provision();
  }

  std::unique_ptr<Sink> sink(Recognise unchanged) override {
    SALVOR_ASSERT(exchange_.is_provisioned() && !exchange_.is_cut_over());
    return make_copy_sink({exchange_.places().live, exchange_.places().fresh,
                           exchange_.places().workplace, unchanged, clock_});
  }

  std::uint64_t separate(const Rewrite& rewrite, Way way) override {
    const disk::Exchange::Places& places = exchange_.places();
    exchange_.settle();
    const fs::path& live = exchange_.is_cut_over() ? places.parked : places.live;
    return disk::inode_at(live) == 0 ? 0 : separate_shared(places.workplace, live, rewrite, way);
  }

  void settle(Way way) override {
    const disk::Exchange::Places& places = exchange_.places();
    exchange_.settle();
    const bool is_in = exchange_.is_cut_over();
    const fs::path& from = is_in ? places.parked : places.fresh;
    const Taken taken = is_in && way == Way::back ? Taken::stays : Taken::conflicts;
    if (disk::inode_at(from) != 0) carry_unprotected(carry_, from, places.live, taken);
  }

  void try_cut_over(std::int64_t) override { refuse_mounts(); }

  void cut_over(std::int64_t wait_ms_max) override {
    const disk::Exchange::Places& places = exchange_.places();
    exchange_.settle();
    const bool is_half_way = disk::inode_at(places.parked) != 0;
    if (!exchange_.is_cut_over() && disk::inode_at(places.live) != 0 &&
        disk::inode_at(places.fresh) != 0 && !is_half_way) {
      refuse_mounts();
      wait_for_writers(wait_ms_max);
      list_unprotected(carry_, places.live, places.fresh);
    }
    exchange_.bring_in();
    if (disk::inode_at(places.parked) != 0) {
      carry_unprotected(carry_, places.parked, places.live, Taken::conflicts);
    }
  }

  void swap_back(std::int64_t wait_ms_max) override {
    const disk::Exchange::Places& places = exchange_.places();
    exchange_.require_old();
    exchange_.settle();
    if (exchange_.is_cut_over() && disk::inode_at(places.parked) != 0 &&
        disk::inode_at(places.live) != 0) {
      refuse_mounts();
      wait_for_writers(wait_ms_max);
      // What an interrupted cut-over has not carried over is still in its old place, and need not
      // be; but the times of the directories are in its list.
      carry_unprotected(carry_, places.parked, places.live, Taken::stays);
      list_unprotected(carry_, places.live, places.parked);
    }
    exchange_.bring_back();
    if (disk::inode_at(places.fresh) != 0) {
      carry_unprotected(carry_, places.fresh, places.live, Taken::conflicts);
    }
  }

  void discard_copy() override { exchange_.discard_copy(); }
  void try_discard_old() const override { exchange_.require_live(); }
  void discard_old() override { exchange_.discard_old(); }

 private:
  void refuse_mounts() const {
    const auto mounts = disk::mounts_within(exchange_.places().live);
    if (mounts.empty()) return;
    throw Error(ErrorCode::refused,
                printable(mounts.front().native()) + " is a mount point, so " +
                    printable(exchange_.places().live.native()) + " can't be exchanged as a whole",
                "restore with --in-place-delta, or make a directory below the mount point the "
                "store");
  }

  /// What a process has open for writing would go on into the tree that is moved away.
  void wait_for_writers(std::int64_t wait_ms_max) const {
    const std::string root = exchange_.places().live.native();
    const Time limit{Clock::system().monotonic().ns + wait_ms_max * 1'000'000};
    while (true) {
      std::vector<Holder> holders = disk::holders_beneath(root, [this](const std::string& path) {
        return exclude_.covers(path, false) || is_in_workplace(path);
      });
      std::erase_if(holders, [](const Holder& holder) { return !holder.writes; });
      if (holders.empty()) return;
      if (Clock::system().monotonic() >= limit) {
        throw Error(ErrorCode::conflict,
                    printable(root) + " is being written: " + disk::describe(holders),
                    "end these programs, then resume or undo the restore");
      }
      Sleeper::system().sleep(kPollMs, {});
    }
  }

  bool is_in_workplace(const std::string& path) const {
    return path.starts_with(carry_.workplaces) ||
           path.find('/' + carry_.workplaces) != std::string::npos;
  }

  Clock* const clock_;
  const disk::Exclude exclude_;
  const disk::Lacking lacking_;
  disk::Exchange exchange_;
  CarryOptions carry_;
};

}  // namespace

std::unique_ptr<Replacement> make_replacement(const FilesTargetOptions& options,
                                              const std::string& run, const std::string& tag) {
  const fs::path live = disk::real_place(options.root);
  return std::make_unique<FilesReplacement>(options, live, disk::workplace_for(live, run, tag),
                                            run);
}

}  // namespace salvor::stores::files
