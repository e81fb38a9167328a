from django.conf import settings
from django.db import models


class Notebook(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    title = models.CharField(max_length=100)


class Note(models.Model):
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True)
    notebook = models.ForeignKey(Notebook, on_delete=models.CASCADE, null=True)
    title = models.CharField(max_length=100)
    is_public = models.BooleanField(default=False)
