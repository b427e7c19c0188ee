/* SPDX-License-Identifier: Apache-2.0
 *
 * Dates as people write them in a form: "2027-03-01", in the Gregorian calendar.
 */
#ifndef TRAVEL_CALENDAR_H
#define TRAVEL_CALENDAR_H

#include <stdbool.h>

enum { DATE_SIZE = 11 };

/* A day of 1970 to 9990 (whose later stops still have four digits) as a count from 1970-01-01;
 * false if the text is no such day. */
bool date_read(const char *text, long *ret_day);
void date_write(long day, char ret_text[static DATE_SIZE]);

#endif
