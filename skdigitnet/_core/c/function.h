/* The functions of one number that are compiled: hidden layers' activations, and exp. A switch
   that leaves one out does not compile (-Werror=switch and switch-enum in pyproject.toml). */
#ifndef SKDIGITNET_FUNCTION_H
#define SKDIGITNET_FUNCTION_H

typedef enum { IDENTITY, LOGISTIC, TANH, RELU, EXPONENTIAL } Function;

#endif
