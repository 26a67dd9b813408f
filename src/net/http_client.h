#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

/// HTTP, as a client. A status is an answer and no error: whoever asks judges it.
///     const HttpResponse response = http_get({.url = url, .timeout_ms = 5'000, .stop = stop});
///     if (response.status != 200) …
namespace salvor::net {

/// What to get, and within which bounds. A value.
struct HttpRequest {
  std::string url;  ///< http or https
  /// For the whole of it: name resolution, connection, redirects and transfer.
  std::int64_t timeout_ms = 30'000;
  /// Where the transfer ends. What was read until then is a good answer, with body_truncated.
  std::size_t body_bytes_max = std::size_t{1} << 20U;
  /// Redirects lead to http and https only. With 0 a redirect is itself the answer; more than this
  /// many are an error.
  int redirects_max = 5;
  std::string user_agent = "salvor";
  /// Ends the transfer at once.
  std::stop_token stop = {};
};

/// An answer, whatever its status. A value.
/// Units: seconds.
struct HttpResponse {
  int status = 0;
  std::string body;             ///< its first `body_bytes_max` bytes
  bool body_truncated = false;  ///< there was more
  double seconds = 0;           ///< from the start to the last byte, redirects included
};

/// Gets one address. Certificates of https are verified. The proxy that the environment names is
/// used, but never for this machine itself.
/// Errors:  usage: the address is no http or https; unreachable: no whole answer came within the
///          time limit, or there were too many redirects, in curl's words; cancelled: the stop;
///          failed: libcurl can't be set up.
/// Threads: any; blocks.
HttpResponse http_get(const HttpRequest& request);

/// An address as messages may show it: printable, and without the user and password that it may
/// hold.
std::string shown_url(const std::string& url);

}  // namespace salvor::net
