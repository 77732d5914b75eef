/* environment.h - the environment of a program that a step runs. */
#pragma once

#include "words.h"

/*
 * This process's environment, with what the pairs of a step (runorder.h) add and take out. Names are the same
 * whatever their case. A block for CreateProcess, to be freed; NULL without memory.
 */
wchar_t *EnvironmentWith(WORDS Pairs);
