#include "config/internal/toml_reader.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace salvor::config {
namespace {

std::string toml_message_of(const std::string& text) {
  try {
    parse_toml(text, "f.toml");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::configuration);
    EXPECT_FALSE(error.hint().empty());
    return error.message();
  }
  return "accepted";
}

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(TomlReaderTest, KeepsOrderAndPlaces) {
  const TomlValue root = parse_toml("b = 1\na = [\"x\",\n  true]\n[t.u]\nd = 1.5\n", "f.toml");
  ASSERT_EQ(root.members.size(), 3U);
  EXPECT_EQ(root.members[0].key, "b");
  EXPECT_EQ(root.members[0].value.integer, 1);
  EXPECT_EQ(root.members[1].key, "a");
  EXPECT_EQ(root.members[1].position, (Position{2, 1}));
  const std::vector<TomlValue>& items = root.members[1].value.items;
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].text, "x");
  EXPECT_EQ(items[1].position, (Position{3, 3}));
  EXPECT_TRUE(items[1].boolean);
  const TomlMember& inner = root.members[2].value.members.at(0);
  EXPECT_EQ(inner.key, "u");
  EXPECT_EQ(inner.value.members.at(0).value.kind, TomlValue::Kind::number);
  EXPECT_EQ(inner.value.members.at(0).value.position, (Position{5, 5}));
}

TEST(TomlReaderTest, SaysWhereItIsNotToml) {
  EXPECT_EQ(toml_message_of("a = 1\nb = \n").substr(0, 11), "f.toml:2:5:");
  EXPECT_NE(toml_message_of("a = 1\nb = \n").find("not valid TOML"), std::string::npos);
  EXPECT_EQ(toml_message_of("a = 1\na = 2\n").substr(0, 9), "f.toml:2:");
  EXPECT_EQ(toml_message_of("a = \"\n\"").substr(0, 9), "f.toml:1:");
}

TEST(TomlReaderTest, ATableOrAKeyThatIsThereTwiceIsNamedWithBothLines) {
  EXPECT_EQ(toml_message_of("[a.b]\nx = 1\n[c]\n[ a.b ] # again\ny = 1\n"),
            "f.toml:4:1: the table [ a.b ] is there twice: in line 1 and in line 4");
  EXPECT_EQ(toml_message_of("x = 1\n[a]\nx = 1\n'x' = 2\n"),
            "f.toml:4:7: the key 'x' is there twice: in line 3 and in line 4");
  EXPECT_EQ(toml_message_of("[[a]]\nx = 1\n[a]\n").substr(0, 40),
            "f.toml:3:1: the table [a] is there twice")
      << "an array of tables, and a table";
}

TEST(TomlReaderTest, RefusesBytesThatAreNotText) {
  for (const std::string& text :
       {std::string("a = \"\xff\"\n"), std::string("a = \"\xc0\x80\"\n"), std::string("\xfe\xff"),
        std::string("a = \"x\0y\"\n", 10), std::string("\0", 1), std::string("# \x1b[2J\n"),
        std::string(100, '\x80')}) {
    const std::string message = toml_message_of(text);
    EXPECT_EQ(message.substr(0, 7), "f.toml:") << message;
    EXPECT_EQ(message.find_first_of(std::string("\0\x1b\xff", 3)), std::string::npos);
  }
}

TEST(TomlReaderTest, RefusesHugeText) {
  EXPECT_EQ(toml_message_of(std::string(10'000'000, '#')),
            "f.toml: 10000000 bytes, expected at most 1048576");
  EXPECT_EQ(toml_message_of(std::string(1 << 20, '\n')), "accepted");
}

TEST(TomlReaderTest, RefusesDepthThatWouldExhaustTheStack) {
  const std::string dotted = "a" + repeated(".a", 300'000);
  for (const std::string& bomb :
       {"[" + dotted + "]\n", dotted + " = 1\n", "x = {" + dotted + " = 1}\n",
        "[[" + dotted + "]]\n", "x = " + std::string(500'000, '['),
        "x = " + repeated("{a=", 300'000), "s = \"\"\"\"quoted\"\"\"\"\"\n" + dotted + " = 1\n",
        "s = ''\n" + dotted + " = 1\n", "s = '\\'\n" + dotted + " = 1\n",
        "s = \"\\\"\"\n" + dotted + " = 1\n", "# \"\n" + dotted + " = 1\n",
        "s = '''\n'''\n" + dotted + " = 1\n", "\"a\"" + repeated(" . 'a'", 100'000) + "=1"}) {
    EXPECT_NE(toml_message_of(bomb).find("levels"), std::string::npos) << bomb.substr(0, 30);
  }
  EXPECT_EQ(toml_message_of("a.b = 1\n\nx = [[[[[[[[[[[[[[[[[[[[").substr(0, 12), "f.toml:3:21:");
}

TEST(TomlReaderTest, DotsAndBracketsInTextAreNoDepth) {
  const std::string dots = repeated(".[{", 100);
  EXPECT_EQ(toml_message_of("a = \"" + dots + "\" # " + dots + "\nb = '" + dots + "'\n"),
            "accepted");
  EXPECT_EQ(toml_message_of("a = \"\"\"\n" + dots + "\"\n\\\"\"\"\"\nb = '''" + dots + "'''\n"),
            "accepted");
  EXPECT_EQ(toml_message_of("a = [" + repeated("1.5, ", 100) + "]\n"), "accepted");
}

}  // namespace
}  // namespace salvor::config
