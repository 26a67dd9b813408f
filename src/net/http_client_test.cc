#include "net/http_client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "testing/http_server.h"

namespace salvor::net {
namespace {

using testing::http_answer;
using testing::HttpServer;

Error error_of(const HttpRequest& request) {
  try {
    http_get(request);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(ErrorCode::failed, "");
}

double seconds_since(Time begin) {
  return Clock::system().monotonic().seconds_since(begin);
}

TEST(HttpClientTest, an_answer_comes_with_status_and_body) {
  const HttpServer server([](const std::string& path) {
    return http_answer(path == "/absent" ? 404 : 200, "you asked for " + path);
  });
  const HttpResponse good = http_get({.url = server.url("/a?b=c")});
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.body, "you asked for /a?b=c");
  EXPECT_FALSE(good.body_truncated);
  EXPECT_GT(good.seconds, 0);
  const HttpResponse absent = http_get({.url = server.url("/absent")});
  EXPECT_EQ(absent.status, 404) << "every status is an answer";
  EXPECT_EQ(absent.body, "you asked for /absent");
}

TEST(HttpClientTest, silence_ends_at_the_time_limit) {
  const HttpServer server([](const std::string&) { return std::nullopt; });
  const Time begin = Clock::system().monotonic();
  const Error error = error_of({.url = server.url("/"), .timeout_ms = 300});
  EXPECT_EQ(error.code(), ErrorCode::unreachable);
  EXPECT_NE(error.message().find("timed out"), std::string::npos) << error.message();
  EXPECT_FALSE(error.hint().empty());
  EXPECT_GE(seconds_since(begin), 0.25);
  EXPECT_LT(seconds_since(begin), 10);
}

TEST(HttpClientTest, a_stop_ends_it_at_once) {
  std::atomic<bool> asked = false;
  const HttpServer server([&](const std::string&) {
    asked = true;
    return std::nullopt;
  });
  std::stop_source stop;
  const std::jthread stopper([&] {
    while (!asked) std::this_thread::yield();
    stop.request_stop();
  });
  const Time begin = Clock::system().monotonic();
  HttpRequest request;
  request.url = server.url("/");
  request.stop = stop.get_token();
  EXPECT_EQ(error_of(request).code(), ErrorCode::cancelled);
  EXPECT_LT(seconds_since(begin), 10);
}

TEST(HttpClientTest, a_refused_connection_is_unreachable) {
  const std::string url = "http://127.0.0.1:" + std::to_string(testing::closed_port()) + "/";
  const Error error = error_of({.url = url});
  EXPECT_EQ(error.code(), ErrorCode::unreachable);
  EXPECT_NE(error.message().find(url), std::string::npos) << error.message();
  EXPECT_NE(error.message().find("onnect"), std::string::npos) << error.message();
}

TEST(HttpClientTest, an_answer_that_is_cut_short_is_no_answer) {
  const HttpServer server([](const std::string&) {
    return "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this";
  });
  EXPECT_EQ(error_of({.url = server.url("/")}).code(), ErrorCode::unreachable);
}

TEST(HttpClientTest, redirects_are_followed_up_to_a_number) {
  std::atomic<int> asked = 0;
  const HttpServer server([&](const std::string& path) {
    ++asked;
    const int left = std::stoi(path.substr(1));
    if (left == 0) return http_answer(200, "here");
    return http_answer(302, "", "Location: /" + std::to_string(left - 1) + "\r\n");
  });
  EXPECT_EQ(http_get({.url = server.url("/5")}).body, "here");
  asked = 0;
  EXPECT_EQ(error_of({.url = server.url("/1000")}).code(), ErrorCode::unreachable);
  EXPECT_EQ(asked, 6) << "the first, and five redirects";
  EXPECT_EQ(http_get({.url = server.url("/5"), .redirects_max = 0}).status, 302);
}

TEST(HttpClientTest, redirects_lead_to_the_web_only) {
  const HttpServer server([](const std::string&) {
    return http_answer(302, "", "Location: file:///etc/hostname\r\n");
  });
  EXPECT_EQ(error_of({.url = server.url("/")}).code(), ErrorCode::unreachable);
}

TEST(HttpClientTest, a_huge_body_ends_at_the_bound) {
  // More than the bound comes, and then nothing more of what was promised.
  const HttpServer server([](const std::string&) {
    return "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n" + std::string(2'000'000, 'x');
  });
  const HttpResponse response = http_get({.url = server.url("/")});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, std::string(std::size_t{1} << 20U, 'x'));
  EXPECT_TRUE(response.body_truncated);
}

TEST(HttpClientTest, a_body_of_exactly_the_bound_is_whole) {
  const HttpServer server([](const std::string&) { return http_answer(200, "12345"); });
  const HttpResponse response = http_get({.url = server.url("/"), .body_bytes_max = 5});
  EXPECT_EQ(response.body, "12345");
  EXPECT_FALSE(response.body_truncated);
}

TEST(HttpClientTest, this_machine_is_asked_without_the_environments_proxy) {
  const std::string closed = "http://127.0.0.1:" + std::to_string(testing::closed_port());
  ASSERT_EQ(::setenv("http_proxy", closed.c_str(), 1), 0);
  const HttpServer server([](const std::string&) { return http_answer(200, "direct"); });
  EXPECT_EQ(http_get({.url = server.url("/")}).body, "direct");
  EXPECT_EQ(http_get({.url = "http://localhost:" + std::to_string(server.port()) + "/"}).body,
            "direct");
  ASSERT_EQ(::unsetenv("http_proxy"), 0);
}

TEST(HttpClientTest, other_addresses_are_refused) {
  for (const std::string url : {"file:///etc/hostname", "ftp://localhost/", "localhost", ""}) {
    EXPECT_EQ(error_of({.url = url}).code(), ErrorCode::usage) << url;
  }
  EXPECT_EQ(error_of({.url = std::string("http://localhost\0/", 18)}).code(), ErrorCode::usage);
}

TEST(HttpClientTest, passwords_are_not_shown) {
  EXPECT_EQ(shown_url("http://user:pass@host/path@x"), "http://host/path@x");
  EXPECT_EQ(shown_url("http://user:p@ss@host:80?q"), "http://host:80?q");
  EXPECT_EQ(shown_url("http://host/a\nb"), "http://host/a\\x0ab");
  const Error error = error_of(
      {.url = "http://user:secret@127.0.0.1:" + std::to_string(testing::closed_port()) + "/"});
  EXPECT_EQ(error.message().find("secret"), std::string::npos) << error.message();
}

}  // namespace
}  // namespace salvor::net
