#include "testing/test_repository.h"

#include <utility>

namespace salvor::testing {

const codec::BoxKeyPair& test_holder() {
  static const codec::BoxKeyPair pair = codec::make_box_key_pair();
  return pair;
}

repo::NewSlot slot_for(const codec::BoxKeyPair& holder, std::string label) {
  repo::NewSlot slot;
  slot.label = std::move(label);
  slot.recipient = holder.public_key;
  return slot;
}

repo::NewSlot slot_for(std::string_view passphrase) {
  constexpr std::uint32_t kLeastMemory_kib = 64;
  repo::NewSlot slot;
  slot.label = "a passphrase";
  slot.passphrase = Secret(as_bytes(passphrase));
  slot.cost = {1, kLeastMemory_kib};
  return slot;
}

repo::Credentials credentials_of(const codec::BoxKeyPair& holder) {
  repo::Credentials credentials;
  credentials.private_key = holder.private_key.clone();
  return credentials;
}

repo::Credentials credentials_of(std::string_view passphrase) {
  repo::Credentials credentials;
  credentials.passphrase = Secret(as_bytes(passphrase));
  return credentials;
}

void create_repository(backend::Backend& backend, const codec::ChunkerLimits& limits) {
  repo::Repository::create(backend, slot_for(test_holder()), Clock::system(), Rng::system(),
                           limits);
}

std::unique_ptr<repo::Repository> open_repository(backend::Backend& backend, repo::Access access,
                                                  Rng& rng) {
  return repo::Repository::open(backend, credentials_of(test_holder()), access, Clock::system(),
                                rng);
}

repo::PointId commit_contents(repo::Repository& repository, const Contents& contents,
                              std::size_t chunk_bytes) {
  const std::unique_ptr<repo::Session> session = repository.begin();
  repo::TreeBuilder tree = session->tree();
  for (const auto& [key, content] : contents) {
    std::vector<ByteView> pieces;
    for (std::size_t at = 0; at < content.size(); at += chunk_bytes) {
      pieces.push_back(as_bytes(std::string_view(content).substr(at, chunk_bytes)));
    }
    std::vector<repo::ChunkId> ids(pieces.size());
    session->store(pieces, ids);
    repo::Record record{to_bytes(key), 0, to_bytes("metadata"), {}};
    for (std::size_t i = 0; i < ids.size(); ++i) record.refs.push_back({ids[i], pieces[i].size()});
    tree.add(record);
  }
  const repo::TreeRoot root = tree.finish();
  repo::Snapshot snapshot;
  snapshot.store = "store";
  snapshot.type = "files";
  snapshot.root = root.id;
  snapshot.records = root.records;
  snapshot.content_bytes = root.content_bytes;
  repo::Point point;
  point.service = "service";
  point.time = Clock::system().now();
  point.snapshots.push_back(snapshot);
  return session->commit(point);
}

Contents contents_of(repo::Repository& repository, const repo::Point& point) {
  Contents contents;
  repo::TreeCursor cursor(repository.node_reader(), point.snapshots.at(0).root);
  for (const repo::Record* record = cursor.find_record(); record != nullptr;
       record = cursor.find_record()) {
    std::string& content = contents[std::string(as_text(record->key))];
    for (const repo::Ref& ref : record->refs) content += as_text(repository.read_chunk(ref.id));
    cursor.advance();
  }
  return contents;
}

std::string damage_of(const repo::CheckReport& report) {
  std::string lines;
  for (const repo::Finding& finding : report.findings) {
    if (finding.severity != repo::Finding::Severity::damage) continue;
    lines += finding.object + ": " + finding.what + "\n";
  }
  for (const repo::Affected& affected : report.affected) {
    lines += "affected: " + printable(as_text(affected.key)) + "\n";
  }
  if (lines.empty() != report.sound()) lines += "sound() says otherwise\n";
  return lines;
}

std::string damage_of(backend::Backend& backend, bool data) {
  const auto repository = open_repository(backend, repo::Access::inspect);
  repo::CheckOptions options;
  options.data = data;
  options.threads = 2;
  return damage_of(repo::check(*repository, options));
}

}  // namespace salvor::testing
