/* SPDX-License-Identifier: Apache-2.0
 *
 * Days to dates and back, by eras of 400 years that begin on the first of March, so that the leap
 * day is the last of its year.
 */
#include "calendar.h"

#include <stdio.h>
#include <string.h>

enum { DAYS_OF_ERA = 146097, DAYS_TO_1970 = 719468, YEAR_MAXIMUM = 9990 };

static long day_of(long year, long month, long day)
{
    year -= month <= 2;
    long era = year / 400, year_of_era = year % 400;
    long day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    long day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_OF_ERA + day_of_era - DAYS_TO_1970;
}

void date_write(long day, char ret_text[static DATE_SIZE])
{
    day += DAYS_TO_1970;
    long era = day / DAYS_OF_ERA, day_of_era = day % DAYS_OF_ERA;
    long year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    long day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    long from_march = (5 * day_of_year + 2) / 153;
    long month = from_march < 10 ? from_march + 3 : from_march - 9;
    long year = era * 400 + year_of_era + (month <= 2);
    snprintf(ret_text, DATE_SIZE, "%04u-%02u-%02u", (unsigned)year % 10000, (unsigned)month % 100,
             (unsigned)(day_of_year - (153 * from_march + 2) / 5 + 1) % 100);
}

bool date_read(const char *text, long *ret_day)
{
    int year, month, day, end = 0;
    if (strlen(text) != DATE_SIZE - 1 || strspn(text, "0123456789-") != DATE_SIZE - 1 ||
        sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &end) != 3 || end != DATE_SIZE - 1)
        return false;
    if (year < 1970 || year > YEAR_MAXIMUM || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    long count = day_of(year, month, day);
    char back[DATE_SIZE];
    date_write(count, back);
    if (strcmp(text, back) != 0) /* the 30th of February comes back as a day of March */
        return false;
    *ret_day = count;
    return true;
}
