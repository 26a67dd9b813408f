#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

/// HTTP, as a client.
namespace salvor::net {

/// What to get, and within which bounds. A value.
struct HttpRequest {
  std::string url;  ///< http or https
  std::int64_t timeout_ms = 30'000;
  std::size_t body_bytes_max = std::size_t{1} << 20U;  ///< the transfer ends there
  int redirects_max = 5;  ///< to http and https only; 0: a redirect is the answer
  std::string user_agent = "salvor";
  std::stop_token stop = {};
};

/// An answer, whatever its status. A value.   Units: seconds.
struct HttpResponse {
  int status = 0;
  std::string body;             ///< its first `body_bytes_max` bytes
  bool body_truncated = false;  ///< there was more
  double seconds = 0;           ///< from the start to the last byte, redirects included
};

/// One GET. Certificates of https are verified. The proxy that the environment names is used, but
/// never for this machine itself.
/// Errors: usage: no http or https address; unreachable: no whole answer within the time limit,
/// or too many redirects, in curl's words; cancelled.   Threads: any; blocks.
HttpResponse http_get(const HttpRequest& request);

/// An address as it may be shown: without the user and password that it may hold.
std::string shown_url(const std::string& url);

}  // namespace salvor::net
