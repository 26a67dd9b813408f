#include "testing/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>

#include "base/error.h"

namespace salvor::testing {
namespace {

struct Listening {
  Fd socket;
  int port = 0;
};

Listening bind_any() {
  Listening made;
  made.socket = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (!made.socket || ::bind(made.socket.get(), generic, size) != 0 ||
      ::getsockname(made.socket.get(), generic, &size) != 0) {
    throw_system_error("cannot bind", "a port of the loopback interface", errno);
  }
  made.port = ntohs(address.sin_port);
  return made;
}

/// The path of a request's first line, once all its headers are there.
std::string read_path(int connection) {
  const timeval limit{10, 0};
  ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  std::string request;
  std::array<char, 4096> buffer{};
  while (request.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = ::recv(connection, buffer.data(), buffer.size(), 0);
    if (got <= 0) return {};
    request.append(buffer.data(), static_cast<std::size_t>(got));
  }
  const std::size_t start = request.find(' ') + 1;
  return request.substr(start, request.find(' ', start) - start);
}

/// As much of it as the other side takes.
void send_all(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace

std::string http_answer(int status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + std::to_string(status) + " Some Reason\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

HttpServer::HttpServer(HttpAnswer answer) : answer_(std::move(answer)) {
  Listening made = bind_any();
  socket_ = std::move(made.socket);
  port_ = made.port;
  if (::listen(socket_.get(), 64) != 0) throw_system_error("cannot listen at", "a port", errno);
  thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
}

HttpServer::~HttpServer() {
  thread_.request_stop();
  ::shutdown(socket_.get(), SHUT_RDWR);  // ends the accept() that is under way
}

std::string HttpServer::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + path;
}

void HttpServer::serve(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    Fd connection(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection) serve_one(std::move(connection));
  }
}

void HttpServer::serve_one(Fd connection) {
  const std::string path = read_path(connection.get());
  if (path.empty()) return;
  const std::optional<std::string> answer = answer_(path);
  if (answer) {
    send_all(connection.get(), *answer);
  } else {
    silent_.push_back(std::move(connection));
  }
}

int closed_port() {
  return bind_any().port;
}

}  // namespace salvor::testing
