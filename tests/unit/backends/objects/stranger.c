/* SPDX-License-Identifier: Apache-2.0 */
/* A shared object that is no backend. */
int stranger(void);
int stranger(void)
{
	return 0;
}
