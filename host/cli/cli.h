/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line: arguments in, words or JSON out. Each command is a file; the table of them,
 * their options and their help is in commands.c. Exit codes of runs: 0 done, 1 failed, 2 usage or
 * bad file, 3 waiting for a person, 4 refused by check or policy, 130 stopped by Ctrl-C, 143 by
 * SIGTERM; of yes-or-no tools: 0 yes, 1 no, 2 usage, 5 undecided.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

/* Runs the command that argv names and returns the exit code. */
int cli_main(int argc, char **argv);

#endif
