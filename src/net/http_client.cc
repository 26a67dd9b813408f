#include "net/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"

namespace salvor::net {
namespace {

/// The longest wait when nothing happens. Curl's own timers end it earlier.
constexpr int kWait_ms = 1000;

struct FreeEasy {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeMulti {
  void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};
struct FreeUrl {
  void operator()(CURLU* handle) const { curl_url_cleanup(handle); }
};
struct FreeText {
  void operator()(char* text) const { curl_free(text); }
};

void initialise() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (result != CURLE_OK) {
    throw Error(ErrorCode::failed,
                std::string("cannot set up libcurl: ") + curl_easy_strerror(result));
  }
}

/// What the environment exempts from its proxy, and this machine.
std::string hosts_without_proxy() {
  std::string hosts;
  for (const char* name : {"no_proxy", "NO_PROXY"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && hosts.empty()) hosts = value;
  }
  if (hosts == "*") return hosts;
  return hosts + (hosts.empty() ? "" : ",") + "localhost,127.0.0.0/8,::1";
}

struct Body {
  std::string& bytes;
  const std::size_t bytes_max;
  bool& truncated;
};

/// curl's write callback: taking less than it was given ends the transfer.
std::size_t take_body(char* bytes, std::size_t, std::size_t size, void* user) {
  const Body& body = *static_cast<Body*>(user);
  const std::size_t taken = std::min(size, body.bytes_max - body.bytes.size());
  body.bytes.append(bytes, taken);
  body.truncated = taken < size;
  return taken;
}

/// One transfer.   Threads: perform() one.
class Transfer {
 public:
  explicit Transfer(const HttpRequest& request)
      : request_(request), easy_(curl_easy_init()), multi_(curl_multi_init()) {
    if (!easy_ || !multi_) throw Error(ErrorCode::failed, "cannot set up an HTTP request");
    set_up();
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() { curl_multi_remove_handle(multi_.get(), easy_.get()); }

  HttpResponse perform() {
    const Time begin = Clock::system().monotonic();
    const CURLcode result = run();
    const bool ended_by_us = result == CURLE_WRITE_ERROR && response_.body_truncated;
    if (result != CURLE_OK && !ended_by_us) throw_unreachable(result);
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<int>(status);
    response_.seconds = Clock::system().monotonic().seconds_since(begin);
    return std::move(response_);
  }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    const CURLcode result = curl_easy_setopt(easy_.get(), option, value);
    if (result != CURLE_OK) {
      throw Error(ErrorCode::failed,
                  std::string("cannot set up an HTTP request: ") + curl_easy_strerror(result));
    }
  }

  void set_up() {
    set(CURLOPT_ERRORBUFFER, words_.data());
    set(CURLOPT_URL, request_.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, request_.redirects_max > 0 ? 1L : 0L);
    set(CURLOPT_MAXREDIRS, static_cast<long>(request_.redirects_max));
    set(CURLOPT_NOPROXY, hosts_without_proxy().c_str());
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(request_.timeout_ms, 1)));
    set(CURLOPT_USERAGENT, request_.user_agent.c_str());
    set(CURLOPT_NOSIGNAL, 1L);
    // A resolver that hangs would hold up the end of a transfer whose time is up; with this it is
    // left to end by itself.
    set(CURLOPT_QUICK_EXIT, 1L);
    set(CURLOPT_WRITEFUNCTION, &take_body);
    set(CURLOPT_WRITEDATA, &body_);
  }

  CURLcode run() {
    if (curl_multi_add_handle(multi_.get(), easy_.get()) != CURLM_OK) return CURLE_OUT_OF_MEMORY;
    const std::stop_callback wake(request_.stop, [this] { curl_multi_wakeup(multi_.get()); });
    for (int running = 1; running > 0;) {
      if (request_.stop.stop_requested()) {
        throw Error(ErrorCode::cancelled, "stopped while getting " + shown_url(request_.url));
      }
      const bool sound = curl_multi_perform(multi_.get(), &running) == CURLM_OK &&
                         (running == 0 ||
                          curl_multi_poll(multi_.get(), nullptr, 0, kWait_ms, nullptr) == CURLM_OK);
      if (!sound) return CURLE_FAILED_INIT;
    }
    int left = 0;
    const CURLMsg* message = curl_multi_info_read(multi_.get(), &left);
    return message != nullptr ? message->data.result : CURLE_FAILED_INIT;
  }

  [[noreturn]] void throw_unreachable(CURLcode result) const {
    const std::string_view words = words_.data();
    throw Error(ErrorCode::unreachable,
                "cannot get " + shown_url(request_.url) + ": " +
                    printable(words.empty() ? curl_easy_strerror(result) : words),
                "check that the server runs, and that this machine may connect to it");
  }

  const HttpRequest& request_;
  HttpResponse response_;
  Body body_{response_.body, request_.body_bytes_max, response_.body_truncated};
  std::array<char, CURL_ERROR_SIZE> words_{};
  const std::unique_ptr<CURL, FreeEasy> easy_;
  const std::unique_ptr<CURLM, FreeMulti> multi_;
};

bool is_http(const std::string& url) {
  const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
  char* scheme = nullptr;
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK ||
      curl_url_get(parsed.get(), CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK) {
    return false;
  }
  const std::unique_ptr<char, FreeText> owner(scheme);
  const std::string_view name = scheme;
  return name == "http" || name == "https";
}

}  // namespace

HttpResponse http_get(const HttpRequest& request) {
  initialise();
  // A zero byte would end it for curl, but not for who reads the message.
  if (request.url.find('\0') != std::string::npos || !is_http(request.url)) {
    throw Error(ErrorCode::usage, "cannot get " + shown_url(request.url) +
                                      ": expected an address that begins with http:// or https://");
  }
  return Transfer(request).perform();
}

std::string shown_url(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t host = scheme == std::string::npos ? 0 : scheme + 3;
  // The last '@' before the path: a password may hold others.
  const std::size_t at = url.substr(0, url.find_first_of("/?#", host)).rfind('@');
  if (at == std::string::npos || at < host) return printable(url);
  return printable(url.substr(0, host) + url.substr(at + 1));
}

}  // namespace salvor::net
