/* tiny.h - what the files of the tiny driver share. */
#pragma once

#ifndef TINY_QUESTION
#define TINY_QUESTION 42
#endif

LONG NTAPI Answer(LONG Question);
