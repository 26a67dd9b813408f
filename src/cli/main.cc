#include "cli/program.h"

int main(int argc, char** argv) {
  return salvor::cli::run(argc, argv);
}
