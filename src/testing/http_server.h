#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"

namespace salvor::testing {

/// What a server sends for a path, to the byte; nothing: it keeps the connection, and is silent.
using HttpAnswer = std::function<std::optional<std::string>(const std::string& path)>;

/// "HTTP/1.1 <status> …" with the body, and further header lines that end in "\r\n".
std::string http_answer(int status, const std::string& body, const std::string& headers = {});

/// A web server on this machine, for tests of who asks one. It answers one request a connection.
/// Threads: `answer` is called by the server's thread.
class HttpServer {
 public:
  explicit HttpServer(HttpAnswer answer);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  std::string url(const std::string& path) const;
  int port() const { return port_; }

 private:
  void serve(const std::stop_token& stop);
  void serve_one(Fd connection);

  const HttpAnswer answer_;
  Fd socket_;
  int port_ = 0;
  std::vector<Fd> silent_;
  std::jthread thread_;
};

/// A port of this machine at which nobody listens.
int closed_port();

}  // namespace salvor::testing
